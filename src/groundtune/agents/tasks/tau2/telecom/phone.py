"""The customer's phone and where it is, as values, and what follows from them: network, data, speed, MMS.

Knows no tool and nothing of the carrier but what `Whereabouts` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict

SimStatus = Literal["active", "missing", "locked_pin", "locked_puk"]
Technology = Literal["none", "2G", "3G", "4G", "5G"]
Signal = Literal["none", "poor", "fair", "good", "excellent"]
ServiceStatus = Literal["connected", "searching", "no_service", "emergency_only"]
NetworkMode = Literal["4g_5g_preferred", "4g_only", "3g_only", "2g_only"]

_ONLY: Mapping[NetworkMode, Technology] = {"4g_only": "4G", "3g_only": "3G", "2g_only": "2G"}
_MBPS: Mapping[Technology, tuple[float, float]] = {
    "none": (0.0, 0.0),
    "2G": (0.1, 0.4),
    "3G": (1.0, 5.0),
    "4G": (10.0, 100.0),
    "5G": (50.0, 500.0),
}
_OF_SPEED: Mapping[Signal, float] = {"none": 0.0, "poor": 0.2, "fair": 0.5, "good": 0.8, "excellent": 1.0}
_SLOW_VPN, _SAVER = 0.1, 0.2  # what they leave of the speed
_WORDS = ((1.0, "very poor"), (5.0, "poor"), (25.0, "fair"), (100.0, "good"))  # Mbps below which a speed is that


@dataclass(frozen=True, slots=True)
class ApnSettings:
    """The access point of mobile data and picture messages."""

    apn_name: Literal["internet", "broken"] = "internet"
    reset_at_reboot: bool = False
    mms_apn: str | None = "mms"
    mmsc_url: str | None = "http://mms.carrier.com/mms/wapenc"
    mms_proxy: str | None = None
    mms_port: int | None = None


@dataclass(frozen=True, slots=True)
class VpnServer:
    """What a VPN is connected to."""

    server_address: str = "192.168.1.1"
    protocol: str = "OpenVPN"
    server_performance: Signal = "excellent"


@dataclass(frozen=True, slots=True)
class PhoneApp:
    """An app with its permissions."""

    app_name: str
    permissions: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Phone:
    """All settings of the phone, and what it is connected to."""

    sim_card_status: SimStatus = "active"
    sim_card_missing: bool = False
    airplane_mode: bool = False
    network_signal_strength: Signal = "good"
    network_technology_connected: Technology = "5G"
    network_connection_status: ServiceStatus = "connected"
    battery_level: int = 80
    data_enabled: bool = True
    roaming_enabled: bool = False
    network_mode_preference: NetworkMode = "4g_5g_preferred"
    active_apn_settings: ApnSettings = field(default_factory=ApnSettings)
    wifi_enabled: bool = False
    wifi_connected: bool = False
    wifi_ssid: str | None = None
    wifi_signal_strength: Signal = "none"
    wifi_calling_enabled: bool = False
    wifi_calling_mms_over_wifi: bool = False
    data_saver_mode: bool = False
    vpn_enabled_setting: bool = False
    vpn_connected: bool = False
    vpn_details: VpnServer | None = None
    app_statuses: Mapping[str, PhoneApp] = field(default_factory=dict)

    @property
    def sim(self) -> SimStatus:
        """What the phone says of its SIM card."""
        return "missing" if self.sim_card_missing else self.sim_card_status


@dataclass(frozen=True, slots=True)
class RequestedPayment:
    """What the carrier asks the customer to pay, in USD."""

    bill_id: str
    amount_due: float
    paid: bool = False


def _signals() -> dict[Technology, Signal]:
    return {"2G": "poor", "3G": "fair", "4G": "good", "5G": "excellent"}


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Who the customer is, where, and what the carrier's side means for the phone."""

    name: str | None = None
    phone_number: str | None = None
    is_abroad: bool = False
    roaming_allowed: bool = False
    line_active: bool = True
    mobile_data_usage_exceeded: bool = False
    signal_strength: Mapping[Technology, Signal] = field(default_factory=_signals)
    payment_request: RequestedPayment | None = None


class PhoneFile(BaseModel):
    """`user_db.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Phone = Phone()
    surroundings: Whereabouts = Whereabouts()


def connected(phone: Phone, around: Whereabouts) -> Phone:
    """Return the phone after it looked for a network."""
    served = (
        phone.sim == "active"
        and not phone.airplane_mode
        and phone.active_apn_settings.apn_name != "broken"
        and around.line_active
    )
    if not served:
        return replace(
            phone,
            network_connection_status="no_service",
            network_technology_connected="none",
            network_signal_strength="none",
        )
    best: Technology = "5G" if around.signal_strength.get("5G", "none") != "none" else "4G"
    technology = _ONLY.get(phone.network_mode_preference, best)
    return replace(
        phone,
        network_connection_status="connected",
        network_technology_connected=technology,
        network_signal_strength=around.signal_strength.get(technology, "none"),
    )


def has_data(phone: Phone, around: Whereabouts) -> bool:
    """Whether mobile data works."""
    return (
        not phone.airplane_mode
        and phone.network_signal_strength != "none"
        and phone.network_connection_status != "no_service"
        and (not around.is_abroad or (phone.roaming_enabled and around.roaming_allowed))
        and phone.data_enabled
        and not around.mobile_data_usage_exceeded
    )


def speed(phone: Phone, around: Whereabouts) -> float | None:
    """Return the speed of mobile data in Mbps; None without a connection."""
    if not has_data(phone, around):
        return None
    least, most = _MBPS[phone.network_technology_connected]
    mbps = (least + most) / 2 * _OF_SPEED[phone.network_signal_strength]
    if phone.vpn_connected and phone.vpn_details and phone.vpn_details.server_performance == "poor":
        mbps *= _SLOW_VPN
    if phone.data_saver_mode:
        mbps *= _SAVER
    return round(mbps, 2)


def in_words(mbps: float) -> str:
    """Return what a speed is called, from "very poor" to "excellent"."""
    return next((word for limit, word in _WORDS if mbps < limit), "excellent")


def sends_mms(phone: Phone, around: Whereabouts) -> bool:
    """Whether the messaging app can send pictures. The carrier takes none over Wi-Fi, and none over 2G."""
    messaging = phone.app_statuses.get("messaging")
    return (
        has_data(phone, around)
        and phone.network_technology_connected != "2G"
        and not (phone.wifi_calling_enabled and phone.wifi_calling_mms_over_wifi)
        and phone.active_apn_settings.mmsc_url is not None
        and messaging is not None
        and all(messaging.permissions.get(name, False) for name in ("storage", "sms"))
    )
