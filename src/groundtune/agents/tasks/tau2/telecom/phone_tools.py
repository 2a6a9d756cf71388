"""What the customer can do with the phone: 30 tools."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from groundtune.agents.tasks.environment import ToolRefused, as_json, reads, writes
from groundtune.agents.tasks.tau2.telecom.phone import (
    ApnSettings,
    NetworkMode,
    Phone,
    PhoneApp,
    PhoneFile,
    Signal,
    SimStatus,
    VpnServer,
    Whereabouts,
    connected,
    in_words,
    sends_mms,
    speed,
)

_BARS: dict[Signal, str] = {
    "none": "📵 No Signal",
    "poor": "📶¹ Poor",
    "fair": "📶² Fair",
    "good": "📶³ Good",
    "excellent": "📶⁴ Excellent",
}
_SIM: dict[SimStatus, str] = {
    "active": "The SIM card is active.",
    "missing": "There is no SIM card in the phone.",
    "locked_pin": "The SIM card is locked with a PIN.",
    "locked_puk": "The SIM card is locked with a PUK.",
}
_USES = {
    "very poor": "Even simple web pages may not load.",
    "poor": "Web pages load slowly, and videos hardly play.",
    "fair": "It is enough for web pages and videos in standard definition.",
    "good": "It is enough for nearly everything, also videos in high definition.",
    "excellent": "It is very fast.",
}


@dataclass
class PhoneState:
    """The phone as it is now, which tools, faults and checks share."""

    phone: Phone
    around: Whereabouts

    @classmethod
    def of(cls, file: PhoneFile) -> PhoneState:
        """Return the state at the beginning."""
        return cls(file.device, file.surroundings)

    def content(self) -> object:
        """Return it as JSON."""
        return {"phone": as_json(self.phone), "around": as_json(self.around)}

    def set(self, **settings: Any) -> None:  # noqa: ANN401 -- any field of Phone
        """Change settings of the phone."""
        self.phone = replace(self.phone, **settings)

    def search(self) -> None:
        """Look for a network."""
        self.phone = connected(self.phone, self.around)

    def set_airplane_mode(self, on: bool) -> None:
        """Turn airplane mode on, which ends the VPN, or off. Either ends Wi-Fi and looks for a network."""
        if on:
            self.set(vpn_connected=False, vpn_details=None)
        self.set(airplane_mode=on, wifi_connected=False, wifi_ssid=None, wifi_signal_strength="none")
        self.search()

    def permit(self, app_name: str, permission: str, allowed: bool) -> None:
        """Give an app a permission or take it. Raises `ToolRefused` for an app or a permission that is not there."""
        app, name = self.app(app_name), permission.lower()
        if name not in app.permissions:
            raise ToolRefused(f"{app_name} has no permission {name!r}, only {', '.join(app.permissions)}")
        app = replace(app, permissions={**app.permissions, name: allowed})
        self.set(app_statuses={**self.phone.app_statuses, app_name: app})

    def app(self, app_name: str) -> PhoneApp:
        """Return an app. Raises `ToolRefused` if it is not there."""
        if app_name not in self.phone.app_statuses:
            raise ToolRefused(f"there is no app {app_name!r} on this phone")
        return self.phone.app_statuses[app_name]


class PhoneTools:
    """The tools."""

    def __init__(self, state: PhoneState) -> None:
        self._state = state

    @reads
    def check_status_bar(self) -> str:
        """Show the icons in the status bar at the top of the screen: airplane mode, signal, network, mobile data, data
        saver, Wi-Fi, VPN and battery."""
        return f"Status bar: {self._bar()}"

    @reads
    def check_network_status(self) -> str:
        """Show how the phone is connected: airplane mode, SIM card, signal, network, mobile data, roaming and Wi-Fi."""
        phone = self._phone
        lines = [
            f"Airplane mode: {_on(phone.airplane_mode)}",
            f"SIM card: {phone.sim}",
            f"Cellular connection: {phone.network_connection_status}",
            f"Cellular signal: {phone.network_signal_strength}",
            f"Cellular network: {phone.network_technology_connected}",
            f"Mobile data: {_on(phone.data_enabled)}",
            f"Data roaming: {_on(phone.roaming_enabled)}",
            f"Wi-Fi: {_on(phone.wifi_enabled)}",
            f"Connected to Wi-Fi: {phone.wifi_ssid or 'yes' if phone.wifi_connected else 'no'}",
        ]
        return "\n".join(lines)

    @reads
    def check_network_mode_preference(self) -> str:
        """Show which kind of cellular network the phone prefers."""
        return f"Preferred network mode: {self._phone.network_mode_preference}"

    @writes
    def set_network_mode_preference(self, mode: NetworkMode) -> str:
        """Set which kind of cellular network the phone prefers. Faster ones (5G, 4G) take more of the battery.

        Args:
            mode: The network mode.

        """
        self._state.set(network_mode_preference=mode)
        self._state.search()
        return self._said(f"The preferred network mode is {mode}.")

    @reads
    def run_speed_test(self) -> str:
        """Measure how fast mobile data is, and say what that is enough for."""
        mbps = speed(self._phone, self._state.around)
        if mbps is None:
            return "The speed test failed: no connection."
        word = in_words(mbps)
        return f"Speed: {mbps:.2f} Mbps ({word}). {_USES[word]}"

    @writes
    def toggle_airplane_mode(self) -> str:
        """Turn airplane mode on or off. While it is on, cellular, Wi-Fi and Bluetooth are disconnected."""
        self._state.set_airplane_mode(not self._phone.airplane_mode)
        return self._said(f"Airplane mode is {_on(self._phone.airplane_mode)}.")

    @reads
    def check_sim_status(self) -> str:
        """Show whether the SIM card is active, missing, or locked with a PIN or PUK."""
        return _SIM[self._phone.sim]

    @writes
    def reseat_sim_card(self) -> str:
        """Take the SIM card out and put it in again, which helps if the phone does not recognise it."""
        self._state.set(sim_card_missing=False)
        self._state.search()
        return self._said("The SIM card was taken out and put in again.")

    @writes
    def toggle_data(self) -> str:
        """Turn mobile data on or off, which the phone uses where there is no Wi-Fi."""
        self._state.set(data_enabled=not self._phone.data_enabled)
        self._state.search()
        return self._said(f"Mobile data is {_on(self._phone.data_enabled)}.")

    @writes
    def toggle_roaming(self) -> str:
        """Turn data roaming on or off, with which the phone uses data outside the carrier's own network."""
        self._state.set(roaming_enabled=not self._phone.roaming_enabled)
        self._state.search()
        return self._said(f"Data roaming is {_on(self._phone.roaming_enabled)}.")

    @reads
    def check_data_restriction_status(self) -> str:
        """Show whether data saver mode limits data."""
        return f"Data saver mode is {_on(self._phone.data_saver_mode)}."

    @writes
    def toggle_data_saver_mode(self) -> str:
        """Turn data saver mode on or off. While it is on, less data is used, and more slowly."""
        self._state.set(data_saver_mode=not self._phone.data_saver_mode)
        return self._said(f"Data saver mode is {_on(self._phone.data_saver_mode)}.")

    @reads
    def check_apn_settings(self) -> str:
        """Show the name of the access point of mobile data, and the address for picture messages."""
        apn = self._phone.active_apn_settings
        return f"APN name: {apn.apn_name}\nMMSC address (picture messages): {apn.mmsc_url or 'not set'}"

    @writes
    def set_apn_settings(self, apn_settings: ApnSettings) -> str:
        """Set the access point of mobile data and picture messages.

        Args:
            apn_settings: All of its settings. What is left out gets its default.

        """
        self._state.set(active_apn_settings=apn_settings)
        self._state.search()
        return self._said(f"The APN is {apn_settings.apn_name}.")

    @writes
    def reset_apn_settings(self) -> str:
        """Reset the access point to its defaults, at the next reboot."""
        self._state.set(active_apn_settings=replace(self._phone.active_apn_settings, reset_at_reboot=True))
        self._state.search()
        return self._said("The APN settings are reset at the next reboot.")

    @reads
    def check_wifi_status(self) -> str:
        """Show whether Wi-Fi is on, to which network it is connected, and the signal."""
        phone = self._phone
        if not phone.wifi_connected:
            return f"Wi-Fi is {_on(phone.wifi_enabled)}, and not connected."
        return f"Wi-Fi is on and connected to {phone.wifi_ssid!r}. Signal: {phone.wifi_signal_strength}."

    @writes
    def toggle_wifi(self) -> str:
        """Turn Wi-Fi on or off."""
        if self._phone.airplane_mode:
            raise ToolRefused("Wi-Fi cannot be changed while airplane mode is on")
        self._state.set(wifi_enabled=not self._phone.wifi_enabled)
        if not self._phone.wifi_enabled:
            self._state.set(wifi_connected=False, wifi_ssid=None, wifi_signal_strength="none")
        return self._said(f"Wi-Fi is {_on(self._phone.wifi_enabled)}.")

    @reads
    def check_wifi_calling_status(self) -> str:
        """Show whether calls go over Wi-Fi."""
        return f"Wi-Fi calling is {_on(self._phone.wifi_calling_enabled)}."

    @writes
    def toggle_wifi_calling(self) -> str:
        """Turn Wi-Fi calling on or off, with which calls go over Wi-Fi instead of the cellular network."""
        self._state.set(wifi_calling_enabled=not self._phone.wifi_calling_enabled)
        return self._said(f"Wi-Fi calling is {_on(self._phone.wifi_calling_enabled)}.")

    @reads
    def check_vpn_status(self) -> str:
        """Show whether a VPN is connected, and to what."""
        phone = self._phone
        if not phone.vpn_connected:
            return f"VPN is {_on(phone.vpn_enabled_setting)} in the settings, and not connected."
        details = asdict(phone.vpn_details) if phone.vpn_details else {}
        return "VPN is connected. " + ", ".join(f"{name}: {value}" for name, value in details.items())

    @writes
    def connect_vpn(self) -> str:
        """Connect to the VPN."""
        if self._phone.vpn_connected:
            return "VPN was already connected."
        self._state.set(vpn_connected=True, vpn_details=VpnServer())
        return self._said("VPN is connected.")

    @writes
    def disconnect_vpn(self) -> str:
        """Disconnect the VPN, through which data may be slow."""
        if not self._phone.vpn_connected:
            return self._said("No VPN was connected.")
        self._state.set(vpn_connected=False, vpn_details=None)
        return self._said("VPN is disconnected.")

    @reads
    def check_installed_apps(self) -> str:
        """List the apps on the phone."""
        return f"Installed apps: {', '.join(self._phone.app_statuses)}"

    @reads
    def check_app_status(self, app_name: str) -> str:
        """Show what an app may do.

        Args:
            app_name: The name of the app.

        """
        return f"App {app_name}. {self.check_app_permissions(app_name)}"

    @reads
    def check_app_permissions(self, app_name: str) -> str:
        """Show which permissions an app has, as to storage or SMS.

        Args:
            app_name: The name of the app.

        """
        permissions = self._state.app(app_name).permissions
        granted = [name for name, allowed in permissions.items() if allowed]
        return f"Permissions: {', '.join(granted) or 'none'}."

    @writes
    def grant_app_permission(self, app_name: str, permission: str) -> str:
        """Give an app a permission that it needs.

        Args:
            app_name: The name of the app.
            permission: The permission, as in 'storage'.

        """
        self._state.permit(app_name, permission, allowed=True)
        return self._said(f"{app_name} has the permission {permission.lower()}.")

    @reads
    def can_send_mms(self) -> str:
        """Show whether the messaging app can send pictures."""
        able = "can" if sends_mms(self._phone, self._state.around) else "cannot"
        return f"The messaging app {able} send MMS."

    @writes
    def reboot_device(self) -> str:
        """Restart the phone, which makes its connections anew."""
        if self._phone.active_apn_settings.reset_at_reboot:
            self._state.set(active_apn_settings=ApnSettings())
        self._state.search()
        return self._said("The phone was restarted.")

    @reads
    def check_payment_request(self) -> str:
        """Show whether the carrier asks for a payment."""
        request = self._state.around.payment_request
        if request is None:
            return "Nobody asks for a payment."
        return f"You are asked to pay {request.amount_due} USD for bill {request.bill_id}."

    @writes
    def make_payment(self) -> str:
        """Pay the bill that the carrier asks to pay."""
        request = self._state.around.payment_request
        if request is None:
            raise ToolRefused("nobody asks for a payment")
        self._state.around = replace(self._state.around, payment_request=replace(request, paid=True))
        return f"You paid {request.amount_due} USD for bill {request.bill_id}."

    @property
    def _phone(self) -> Phone:
        return self._state.phone

    def _said(self, message: str) -> str:
        return f"{message}\nStatus bar: {self._bar()}"

    def _bar(self) -> str:
        phone = self._phone
        online = phone.network_technology_connected != "none"
        icons = ["✈️ Airplane Mode"] if phone.airplane_mode else [_BARS[phone.network_signal_strength]]
        if not phone.airplane_mode:
            icons += [phone.network_technology_connected] if online else []
            icons += ["📱 Data Enabled" if phone.data_enabled and online else "📵 Data Disabled"]
            icons += ["🔽 Data Saver"] if phone.data_saver_mode and phone.data_enabled and online else []
        if phone.wifi_connected:
            icons.append(f"📡 Connected to {phone.wifi_ssid}" if phone.wifi_ssid else "📡 Enabled")
        icons += ["🔒 VPN Connected"] if phone.vpn_connected else []
        return " | ".join([*icons, f"🔋 {phone.battery_level}%"])


def _on(setting: bool) -> str:
    return "on" if setting else "off"
