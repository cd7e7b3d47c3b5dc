"""Pay by PayU (Poland and Central Europe): its own page, with wallets, banks and BLIK."""
