"""Saboteurs of bank files and their lines."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.bank_files import SqliteBankFiles
from kassa.ports.conformance.bank_files import BankFilesContract
from kassa.ports.errors import Conflict, UnknownLine, UnknownStatement
from kassa.ports.values import Page
from tests.contracts.saboteurs.kit import Crowded, breaks, litter, mislabelled, sql


class Racing(SqliteBankFiles):
    """Knows when it is called several times at once."""

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()


# --- keeping


@breaks(BankFilesContract, "test_a_statement_is_kept_with_its_lines_which_are_leased_to_who_brought_it")
class KeepsLinesWithoutALease(SqliteBankFiles):
    async def keep(self, act: Any, *, lease_s: int) -> Any:
        return await super().keep(act, lease_s=lease_s - 2)


@breaks(
    BankFilesContract, "test_keeping_is_audited", "test_a_file_brought_eight_times_at_once_is_kept_once"
)  # fmt: skip
class ForgetsTheAuditEntryOfKeeping(SqliteBankFiles):
    async def keep(self, act: Any, *, lease_s: int) -> Any:
        return await super().keep(replace(act, audit=mislabelled(act.audit)), lease_s=lease_s)


@breaks(BankFilesContract, "test_the_same_file_again_changes_nothing")
class NotesTheSameFileAgain(SqliteBankFiles):
    async def keep(self, act: Any, *, lease_s: int) -> Any:
        told = await super().keep(act, lease_s=lease_s)
        if told.statement is not None and not told.held:
            await litter(self)
        return told


@breaks(BankFilesContract, "test_another_file_that_tells_only_what_is_known_changes_nothing")
class KeepsFilesWithoutNews(SqliteBankFiles):
    async def keep(self, act: Any, *, lease_s: int) -> Any:
        told = await super().keep(act, lease_s=lease_s)
        if told.statement is None:
            await sql(
                self,
                "INSERT INTO bank_files (method, sha256, name, form, account, actor, at, lines, added, left_out)"
                " VALUES ('bank', :digest, '', '', '', '', 0, 1, 1, 0)",
                digest=act.sha256,
            )
        return told


@breaks(BankFilesContract, "test_of_another_file_only_the_new_lines_are_kept")
class BelievesTheLastLine(SqliteBankFiles):
    async def keep(self, act: Any, *, lease_s: int) -> Any:
        told = await super().keep(act, lease_s=lease_s)
        if told.statement is not None and told.statement.new < told.statement.lines:
            await sql(self, "UPDATE bank_lines SET told = replace(told, '510', '1') WHERE line_id = 'REF1'")
        return told


@breaks(BankFilesContract, "test_two_methods_may_have_lines_of_one_id")
class MixesMethodsOfLines(SqliteBankFiles):
    async def keep(self, act: Any, *, lease_s: int) -> Any:
        return await super().keep(replace(act, method="bank"), lease_s=lease_s)


@breaks(BankFilesContract, "test_a_file_brought_eight_times_at_once_is_kept_once")
class KeepsAFileAgainInACrowd(Racing):
    number = 0

    async def keep(self, act: Any, *, lease_s: int) -> Any:
        async with self.crowded.entered() as crowd:
            if not crowd or len(act.lines) != 2 or not act.sha256.startswith("a"):
                return await super().keep(act, lease_s=lease_s)
            self.number += 1
            lines = tuple(replace(n, line=replace(n.line, id=f"{n.line.id}/{self.number}")) for n in act.lines)
            return await super().keep(replace(act, lines=lines, sha256=f"{self.number}" * 64), lease_s=lease_s)


@breaks(BankFilesContract, "test_files_that_share_a_line_at_once_keep_it_once")
class KeepsASharedLineAgainInACrowd(Racing):
    number = 0

    async def keep(self, act: Any, *, lease_s: int) -> Any:
        async with self.crowded.entered() as crowd:
            self.number += 1
            if not crowd or act.sha256.startswith("a"):
                return await super().keep(act, lease_s=lease_s)
            first = replace(act.lines[0], line=replace(act.lines[0].line, id=f"REF1/{self.number}"))
            return await super().keep(replace(act, lines=(first, *act.lines[1:])), lease_s=lease_s)


# --- claiming and settling


@breaks(
    BankFilesContract,
    "test_a_lease_that_ran_out_is_given_to_the_next_with_a_higher_fence",
    "test_an_old_fence_settles_nothing",
    "test_an_old_fence_suspends_nothing",
)
class RaisesNoFenceOfLines(SqliteBankFiles):
    async def claim_lines(self, **how: Any) -> Any:
        found = await super().claim_lines(**how)
        await sql(self, "UPDATE bank_lines SET fence = fence - 1 WHERE fence > 1")
        return tuple(replace(one, fence=one.fence - 1) for one in found)


@breaks(BankFilesContract, "test_lines_are_claimed_in_order_and_not_more_than_asked")
class ClaimsLinesBackwards(SqliteBankFiles):
    async def claim_lines(self, **how: Any) -> Any:
        found = await super().claim_lines(**how)
        return found[::-1] if how["limit"] == 2 else found


@breaks(BankFilesContract, "test_four_callers_at_once_never_get_one_line_twice")
class GivesALineTwiceInACrowd(Racing):
    async def claim_lines(self, **how: Any) -> Any:
        async with self.crowded.entered() as crowd:
            found = await super().claim_lines(**how)
            if crowd:
                await sql(self, "UPDATE bank_lines SET next_try_at = 0 WHERE id = 1")
            return found


@breaks(BankFilesContract, "test_a_settled_line_says_what_became_of_it_and_is_claimed_no_more")
class ForgetsWhoseItWas(SqliteBankFiles):
    async def settle_line(self, act: Any) -> None:
        await super().settle_line(replace(act, payments=()))


@breaks(BankFilesContract, "test_an_old_fence_settles_nothing", "test_an_old_fence_suspends_nothing")
class SettlesLinesWithAnyFence(SqliteBankFiles):
    async def settle_line(self, act: Any) -> None:
        fence = (await sql(self, "SELECT fence FROM bank_lines WHERE id = :id", id=act.held.id)).scalar()
        await super().settle_line(replace(act, held=replace(act.held, fence=fence)))


@breaks(BankFilesContract, "test_a_line_is_settled_once")
class SettlesLinesAgain(SqliteBankFiles):
    async def settle_line(self, act: Any) -> None:
        known = (await sql(self, "SELECT state FROM bank_lines WHERE id = :id", id=act.held.id)).scalar()
        if known == "waiting":
            await super().settle_line(act)


@breaks(BankFilesContract, "test_money_goes_to_suspense_with_its_line")
class ForgetsTheEventsOfALine(SqliteBankFiles):
    async def settle_line(self, act: Any) -> None:
        quiet = None if act.suspend is None else replace(act.suspend, events=())
        await super().settle_line(replace(act, suspend=quiet))


@breaks(BankFilesContract, "test_an_old_fence_suspends_nothing")
class SuspendsBeforeItLooks(SqliteBankFiles):
    async def settle_line(self, act: Any) -> None:
        try:
            await super().settle_line(act)
        except Conflict as conflict:
            if act.suspend is not None and "leased" in str(conflict):
                await litter(self)
            raise


@breaks(BankFilesContract, "test_money_that_a_payment_has_is_not_suspended")
class SuspendsWhatWasCounted(SqliteBankFiles):
    async def settle_line(self, act: Any) -> None:
        try:
            await super().settle_line(act)
        except Conflict as conflict:
            if "counted" not in str(conflict):
                raise
            await super().settle_line(replace(act, suspend=None))


# --- looking


@breaks(BankFilesContract, "test_a_doubtful_line_is_done_when_a_person_has_looked")
class ForgetsWhatThePersonSaid(SqliteBankFiles):
    async def reviewed(self, line_id: int, note: str, audit: Any) -> Any:
        return await super().reviewed(line_id, "", audit)


@breaks(BankFilesContract, "test_only_a_doubtful_line_is_reviewed")
class ReviewsAnything(SqliteBankFiles):
    async def reviewed(self, line_id: int, note: str, audit: Any) -> Any:
        try:
            return await super().reviewed(line_id, note, audit)
        except UnknownLine:
            raise Conflict("no such line") from None


@breaks(BankFilesContract, "test_lines_are_found_by_their_id_and_by_their_money")
class FindsLinesByIdAlone(SqliteBankFiles):
    async def lines_named(self, method: str, names: tuple[str, ...]) -> Any:
        return await super().lines_named(method, tuple(name for name in names if not name.startswith("bank:")))


@breaks(BankFilesContract, "test_lines_are_found_whose_money_is_the_same_or_a_part_of_it")
class TakesWhateverBeginsAlikeForAPart(SqliteBankFiles):
    async def alike(self, movements: tuple[str, ...], *, parts_of: tuple[str, ...]) -> Any:
        every = (await self.lines(1, Page())).items
        near = tuple(one.movement_id for one in every if one.movement_id.startswith(parts_of or "?"))
        return await super().alike((*movements, *near), parts_of=parts_of)


@breaks(BankFilesContract, "test_a_statement_is_found_by_its_digest")
class FindsStatementsOfAnyMethod(SqliteBankFiles):
    async def statement(self, method: str, sha256: str) -> Any:
        return await super().statement("bank", sha256)


@breaks(BankFilesContract, "test_statements_are_listed_newest_first_and_in_parts")
class ListsOnePageOfStatements(SqliteBankFiles):
    async def statements(self, page: Page) -> Any:
        return replace(await super().statements(page), next=None)


@breaks(BankFilesContract, "test_lines_are_listed_in_order_and_in_parts")
class KnowsEveryStatement(SqliteBankFiles):
    async def lines(self, statement_id: int, page: Page) -> Any:
        try:
            return await super().lines(statement_id, page)
        except UnknownStatement:
            return await super().lines(1, page)
