"""Pay by PayPal (Orders v2): the customer approves on its page, and confirms in the shop."""
