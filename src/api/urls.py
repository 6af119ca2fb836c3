"""Where clients reach providers through this deployment."""

from api.envelope import success
from api.gateways import internal_id
from api.route import shaped
from api.task import Task
from call import Reply
from errors import ProviderNotFound
from providers import CUSTOM, PROVIDERS, canonical

UNIVERSAL = "universal"
_CUSTOM = "SELECT id FROM custom_providers WHERE account_id = ?1 AND slug = ?2"


@shaped(str)
async def get_url(task: Task, gateway: str, provider: str) -> Reply:
    """Return the base URL of a provider, or of the gateway for `universal`.

    Raises GatewayNotFound and ProviderNotFound.
    """
    await internal_id(task, gateway)
    if provider == UNIVERSAL:
        provider = ""
    elif canonical(provider) not in PROVIDERS:
        slug = provider.removeprefix(CUSTOM) if provider.startswith(CUSTOM) else ""
        if not await task.ports.database.all(_CUSTOM, task.account, slug):
            raise ProviderNotFound(provider)
    scheme, _, rest = task.request.url.partition("://")
    origin = f"{scheme}://{rest.partition('/')[0]}"
    return success(f"{origin}/v1/{task.account}/{gateway}/{provider}")
