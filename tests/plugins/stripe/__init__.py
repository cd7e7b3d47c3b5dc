"""The Stripe driver of the card method, before localstripe and before liars."""
