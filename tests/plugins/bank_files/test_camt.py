"""camt.052, camt.053 and camt.054: what counts, what is in doubt, what is left out, what is refused."""

import pytest

from tests.plugins.bank_files.reading import bad, certain, good, only, total
from tests.plugins.bank_files.written import OURS, Transfer, balance, camt

KINDS = ("camt.052", "camt.053", "camt.054")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", range(2, 14))
def test_every_version_of_every_message_tells_the_same(kind: str, version: int):
    """The words are the same under every name."""
    line = only(camt([Transfer(12_50, ref="BANK-1")], kind, version))
    told = (line.id, line.direction, line.amount.amount, line.amount.currency, line.booked_on)
    assert told == ("BANK-1", "credit", 1250, "EUR", "2026-11-20")
    assert (line.counterparty, line.account, line.text) == ("Ada Lovelace", "NL91ABNA0417164300", "INVOICE 2026-000001")


def test_the_first_version_has_other_names_and_is_read_as_well():
    """`BkToCstmrStmtV01`, with the transactions and the batch in the entry itself."""
    data = camt([Transfer(12_50, ref="BANK-1")], version=1)
    for old, new in ((b"BkToCstmrStmt>", b"BkToCstmrStmtV01>"), (b"<NtryDtls>", b""), (b"</NtryDtls>", b"")):
        data = data.replace(old, new)
    assert only(data).text == "INVOICE 2026-000001"
    assert only(data.replace(b"<TxDtls>", b"<Btch><NbOfTxs>20</NbOfTxs></Btch><TxDtls>")).doubt == (
        "a batch of 20, with the details of 1"
    )


def test_a_message_without_or_with_another_namespace_is_read():
    """Some banks forget it, some wrap the document in an envelope."""
    data = camt([Transfer(12_50)])
    bare = data.replace(b' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"', b"")
    wrapped = data.replace(b"<Document", b'<env:E xmlns:env="urn:x"><Document').replace(
        b"</Document>", b"</Document></env:E>"
    )
    assert good(bare).lines == good(wrapped).lines == good(data).lines


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_message_in_another_encoding_is_read(encoding: str):
    """With a byte order mark, as Windows writes it."""
    text = camt([Transfer(12_50, name="Zoë Ångström")]).decode()
    assert only(text.replace('encoding="UTF-8"', "").encode(encoding)).counterparty == "Zoë Ångström"


def test_a_batch_whose_parts_sum_is_a_line_for_each():
    """Each with the entry's reference and its own number."""
    found = good(camt([Transfer(30_00, ref="BANK-1", parts=(10_00, 20_00))]))
    assert [(line.id, line.amount.amount) for line in found.lines] == [("BANK-1/1", 10_00), ("BANK-1/2", 20_00)]
    assert certain(found) == 30_00


@pytest.mark.parametrize(
    ("parts", "doubt"),
    [
        ((10_00, 20_01), "do not sum"),
        ((10_00, None), "1 of its 2 transactions carry no amount"),
        ((None, None, None), "3 of its 3 transactions carry no amount"),
        ((29_99,), "do not sum"),
        ((30_00, 0), "no amount in EUR"),
    ],
)
def test_a_batch_whose_parts_do_not_explain_it_is_one_line_in_doubt(parts: tuple[int | None, ...], doubt: str):
    """Its total came in, for certain; for what, a person must say."""
    line = only(camt([Transfer(30_00, ref="BANK-1", parts=parts)]))
    assert (line.id, line.amount.amount) == ("BANK-1", 30_00)
    assert doubt in line.doubt


def test_a_batch_without_its_details_is_in_doubt():
    """A camt.054 that lists them may come, and must not count beside it."""
    data = camt([Transfer(30_00, details="<Btch><NbOfTxs>3</NbOfTxs></Btch>")])
    bare = data[: data.index(b"<TxDtls>")] + data[data.index(b"</TxDtls>") + len(b"</TxDtls>") :]
    assert only(bare).doubt == "a batch of 3, with the details of 0"
    assert only(data).doubt == "a batch of 3, with the details of 1"


def test_a_part_that_goes_the_other_way_puts_the_entry_in_doubt():
    """A debit inside a credit: the sum of the parts would mislead."""
    data = camt([Transfer(30_00, parts=(10_00, 20_00), tags=("<CdtDbtInd>DBIT</CdtDbtInd>",))])
    assert only(data).doubt == "a transaction in it goes the other way"


def test_the_amount_of_a_part_in_the_account_s_currency_is_taken():
    """Sent in dollars, booked in euros: the transaction amount decides, not what was instructed."""
    detail = (
        '<AmtDtls><InstdAmt><Amt Ccy="USD">33.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">30.00</Amt></TxAmt></AmtDtls>'
    )
    assert not only(camt([Transfer(30_00, tags=(detail,))])).doubt
    assert "do not sum" in only(camt([Transfer(29_00, tags=(detail,))])).doubt


def test_only_booked_entries_are_lines():
    """Pending, informational and future entries are left out and counted nowhere."""
    found = good(
        camt([Transfer(1_00), Transfer(2_00, status="PDNG"), Transfer(4_00, status="INFO"), Transfer(8_00, status="")])
    )
    assert [line.amount.amount for line in found.lines] == [1_00]
    assert [item.reason for item in found.left_out] == ["not booked: PDNG", "not booked: INFO", "not booked: no status"]


def test_a_reversal_is_in_doubt():
    """A credit taken back goes out, a debit taken back comes in; either way it belongs to another entry."""
    mark = "<RvslInd>true</RvslInd>"
    out = only(camt([Transfer(5_00, "debit", extra=mark)]))
    in_ = only(camt([Transfer(5_00, extra=mark)]))
    assert (out.direction, in_.direction) == ("debit", "credit")
    assert out.doubt == in_.doubt == "it reverses another entry"


def test_a_transfer_that_came_back_is_no_payment():
    """A refund that could not be delivered carries the reference of the payment: it must not count as one."""
    data = camt([Transfer(5_00, tags=("<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>",))])
    assert only(data).doubt == "it is a transfer that came back"


def test_another_currency_than_the_account_s_is_in_doubt():
    """Said by the account, or by its balances."""
    for head in ("", balance("OPBD", 0, "CHF") + balance("CLBD", 0, "CHF")):
        account = "<Ccy>CHF</Ccy>" if not head else ""
        data = camt([Transfer(5_00)], head=head).replace(b"</Acct>", f"{account}</Acct>".encode(), 1)
        assert "in EUR, on an account in CHF" in only(data).doubt


@pytest.mark.parametrize(
    ("written", "currency", "amount"),
    [
        ("8.850", "EUR", 885),
        ("8.85000", "EUR", 885),
        ("8", "EUR", 800),
        ("8.", "EUR", 800),
        ("1250", "JPY", 1250),
        ("1.250", "KWD", 1250),
    ],
)
def test_amounts_are_exact(written: str, currency: str, amount: int):
    """In minor units of the currency, by ISO 4217."""
    data = camt([Transfer(1)]).replace(b'<Amt Ccy="EUR">0.01', f'<Amt Ccy="{currency}">{written}'.encode())
    assert only(data).amount.amount == amount


@pytest.mark.parametrize(
    "written", ["8.855", "-8.85", "+8.85", "8,85", "1e3", "", "٨.٨٥", "NaN", "9" * 19, "90071992547409.93"]
)
def test_an_amount_that_is_no_whole_number_of_minor_units_is_refused_with_its_place(written: str):
    """Nothing is rounded, and nothing but plain digits is an amount."""
    data = camt([Transfer(2), Transfer(1)]).replace(b">0.01<", f">{written}<".encode())
    assert bad(data).place == "statement 1, entry 2"


def test_an_unknown_currency_or_direction_is_refused():
    """Nothing is assumed."""
    data = camt([Transfer(1_00)])
    assert "not a currency" in bad(data.replace(b'"EUR"', b'"XXX"')).reason
    assert "neither CRDT nor DBIT" in bad(data.replace(b"CRDT", b"CREDIT")).reason
    assert "is not a day" in bad(data.replace(b"2026-11-20", b"2026-02-30")).reason


def test_balances_that_the_entries_explain_leave_no_doubt():
    """And those that they do not put every line in doubt; a page of a statement alone cannot be compared."""
    right = balance("OPBD", 10_00) + balance("CLBD", 13_00)
    wrong = balance("OPBD", 10_00) + balance("CLBD", 13_01)
    page = f"<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>{wrong}"
    transfers = [Transfer(5_00, parts=(2_00, 3_00)), Transfer(2_00, "debit"), Transfer(7_00, status="PDNG")]
    assert not any(line.doubt for line in good(camt(transfers, head=right)).lines)
    assert all("contradicts itself" in line.doubt for line in good(camt(transfers, head=wrong)).lines)
    assert not any(line.doubt for line in good(camt(transfers, head=page)).lines)
    overdrawn = balance("PRCD", -10_00) + balance("CLBD", -7_00)
    assert not any(line.doubt for line in good(camt(transfers, head=overdrawn)).lines)


def test_a_virtual_account_that_the_customer_paid_to_is_a_reference():
    """The bank tells it as the creditor's account, beside the statement's own."""
    account = "<RltdPties><CdtrAcct><Id><Othr><Id>8808 0812 3456 7890</Id></Othr></Id></CdtrAcct></RltdPties>"
    data = camt([Transfer(5_00, text="")]).replace(b"<TxDtls><RltdPties>", f"<TxDtls>{account}<RltdPties>".encode(), 1)
    assert ("virtual_account", "8808081234567890") in [(one.kind, one.value) for one in only(data).references]


def test_a_party_that_is_not_provided_is_nobody():
    """No refund goes to an account of that name; the party behind it is taken instead."""
    line = only(camt([Transfer(5_00, name="NOTPROVIDED", account="NOTPROVIDED")]))
    assert (line.counterparty, line.account) == ("", "")
    behind = "<RltdPties><UltmtDbtr><Pty><Nm>Ada</Nm></Pty></UltmtDbtr></RltdPties>"
    data = camt([Transfer(5_00, name="NOTPROVIDED")]).replace(b"<RltdPties>", behind.encode()[:-12], 1)
    assert only(data).counterparty == "Ada"


def test_references_are_found_in_every_place():
    """Structured, in the text, and as end-to-end id."""
    structured = "<RmtInf><Strd><CdtrRefInf><Ref>RF18 5390 0754 7034</Ref></CdtrRefInf></Strd></RmtInf>"
    line = only(camt([Transfer(5_00, text="", end_to_end="OP-1", tags=(structured,))]))
    assert [(one.kind, one.value) for one in line.references][:2] == [
        ("end_to_end", "OP-1"),
        ("rf", "RF18539007547034"),
    ]
    assert ("rf", "RF18539007547034") in [
        (one.kind, one.value) for one in only(camt([Transfer(5_00, text="rf18 5390 0754 7034")])).references
    ]
    assert only(camt([Transfer(5_00, text="", end_to_end="NOTPROVIDED")])).references == ()


def test_lines_of_another_account_in_the_file_are_left_out():
    """Of two statements, ours counts."""
    one, two = camt([Transfer(5_00)]), camt([Transfer(7_00)], account="NL91ABNA0417164300")
    both = one.replace(b"</Stmt>", b"</Stmt>" + two[two.index(b"<Stmt>") : two.index(b"</BkToCstmrStmt>")])
    found = good(both, account=OURS)
    assert (total(found, "credit"), len(found.left_out), found.account) == (5_00, 1, OURS)
    assert certain(good(both)) == 0


EVIL = [
    b'<!DOCTYPE a [<!ENTITY b "c">]>',
    b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">',
    b'<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///etc/hostname"> %b;]>',
]


@pytest.mark.parametrize("evil", EVIL)
def test_document_types_and_entities_are_refused(evil: bytes):
    """Nothing is expanded, nothing is fetched."""
    data = camt([Transfer(5_00)]).replace(b"<Document", evil + b"<Document")
    assert "document types" in bad(data).reason


def test_what_is_not_camt_is_refused_with_the_place():
    """Broken XML says the line; other XML says so."""
    assert bad(b"<Document>\n<a></b></Document>").place == "line 2, column 6"
    assert "no camt" in bad(b"<html></html>").reason
    assert "deep" in bad(b"<a>" * 60).reason
    assert "bigger" in bad(b" " * (16 * 1024 * 1024 + 1)).reason
    assert "not XML" in bad(b'<?xml version="1.0" encoding="no-such"?><a/>', form="camt").reason
    assert bad(b"").reason == bad(b" \r\n").reason == "it is empty"
