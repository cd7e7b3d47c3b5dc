"""Those whose declaration is not true, and those that talk."""

from typing import Any

from msgspec.structs import replace

from kassa.ports.conformance.payment_method import CANARY
from kassa.ports.payment import Context
from kassa.ports.secret import Secret
from tests.conformance_kit.acme.config import AcmeConfig, AcmeInput
from tests.conformance_kit.acme.double import AcmeSubject
from tests.conformance_kit.acme.method import Acme

from .kit import MODULE, breaks


@breaks("declare.factory")
class MadeForAnotherContract(AcmeSubject):
    factory = replace(AcmeSubject.factory, api=(2, 0))
    module = MODULE


@breaks("declare.coroutines")
class AnswersAtOnce(Acme):
    def health(self, ctx: Context) -> Any:
        return super().health(ctx)


@breaks("declare.flags")
class HidesThatItVoids(Acme):
    capabilities = replace(Acme.capabilities, void=False)


@breaks("declare.capabilities")
class DeclaresADance(Acme):
    capabilities = replace(Acme.capabilities, next_actions=(*Acme.capabilities.next_actions, "dance"))


@breaks("declare.capabilities")
class DeclaresACurrencyOfTheMoon(Acme):
    capabilities = replace(
        Acme.capabilities,
        amounts=(*Acme.capabilities.amounts, replace(Acme.capabilities.amounts[0], currency="MON")),
    )


@breaks("declare.config-unknown")
class TakesAnySetting(Acme):
    class Config(AcmeConfig, frozen=True, kw_only=True, forbid_unknown_fields=False):
        pass


@breaks("declare.config-missing")
class HasASecretOfItsOwn(Acme):
    class Config(AcmeConfig, frozen=True, kw_only=True):
        webhook_secret: Secret = Secret(f"whsec_{CANARY}")


@breaks("declare.config-blank")
class TakesABlankSecret(Acme):
    class Config(AcmeConfig, frozen=True, kw_only=True):
        def __post_init__(self) -> None:
            if not self.api_key.reveal().startswith(f"sk_{self.mode}_"):
                raise ValueError("the key is not for this mode")


@breaks("declare.input-unknown")
class TakesAnyInput(Acme):
    class Input(AcmeInput, frozen=True, kw_only=True, forbid_unknown_fields=False):
        pass


@breaks("declare.input-bounded")
class AsksForABook(Acme):
    class Input(AcmeInput, frozen=True, kw_only=True):
        note: str = ""


@breaks("declare.hook")
class ForgetsToMarkItsHook(AcmeSubject):
    module = "tests.conformance_kit.saboteurs.unmarked"


@breaks("declare.import")
class TalksWhenImported(AcmeSubject):
    module = "tests.conformance_kit.saboteurs.noisy"


@breaks("declare.canary")
class LogsItsKey(Acme):
    async def start(self, ctx: Context, request: Any) -> Any:
        ctx.log.info("asking", key=self.config.api_key.reveal())
        return await super().start(ctx, request)


@breaks("declare.canary")
class TellsItsKeyWhenItFails(Acme):
    async def query(self, ctx: Context, request: Any) -> Any:
        try:
            return await super().query(ctx, request)
        except Exception as error:
            raise RuntimeError(f"asked with {self.config.api_key.reveal()}") from error


@breaks("declare.mode")
class TakesALiveKeyInTestMode(Acme):
    class Config(AcmeConfig, frozen=True, kw_only=True):
        def __post_init__(self) -> None:
            if not (self.api_key.reveal().strip() and self.webhook_secret.reveal().strip()):
                raise ValueError("a secret is blank")
