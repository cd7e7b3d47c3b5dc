"""The shop's own bank account: payments are told apart by a reference, files of the bank tell of money, refunds are paid out by a
file for the bank."""
