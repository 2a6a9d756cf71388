"""The carrier and the phone of tau2 telecom: what tools refuse, what they change, and how both sides keep in step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from groundtune.agents.tasks.environment import TaskEnvironment
from groundtune.agents.tasks.task import Side, SideCall, StateCheck
from groundtune.agents.tasks.tau2.reading import Tau2Domain, read_tau2
from groundtune.agents.tasks.tau2.telecom.phone import ApnSettings, Phone, PhoneApp, Whereabouts, connected, in_words
from groundtune.agents.tasks.tau2.telecom.phone import sends_mms as can_send
from groundtune.agents.tasks.tau2.telecom.phone import speed as mbps
from groundtune.values import ActionCall, ActionResult

JOHN = {"customer_id": "C1001", "line_id": "L1002"}
HERE = SideCall("customer", ActionCall("set_user_info", {"name": "John Smith", "phone_number": "555-123-2002"}))


@pytest.fixture(scope="module")
def domain(shared_data: Path) -> Tau2Domain:
    return read_tau2(shared_data / "agents_tau2", "telecom")


@pytest.fixture
def world(domain: Tau2Domain) -> TaskEnvironment:
    return domain.fresh()


def ask(world: TaskEnvironment, name: str, side: Side = "agent", **arguments: object) -> ActionResult:
    return world.call(side, ActionCall(name, arguments))


def on_phone(world: TaskEnvironment, name: str, **arguments: object) -> str:
    result = ask(world, name, "customer", **arguments)
    assert result.outcome == "done", result.reason
    return str(result.value)


def begin(world: TaskEnvironment, *steps: tuple[Side, str, dict[str, object]]) -> None:
    world.start([HERE, *(SideCall(side, ActionCall(name, arguments)) for side, name, arguments in steps)])


@pytest.mark.parametrize("number", ["555-123-2002", "5551232002", "(555) 123 2001"])
def test_a_customer_is_found_by_contact_or_line_however_it_is_written(world: TaskEnvironment, number: str) -> None:
    assert ask(world, "get_customer_by_phone", phone_number=number).value["full_name"] == "John Smith"


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("get_customer_by_phone", {"phone_number": "none"}, "no customer with the phone number"),
        ("get_customer_by_id", {"customer_id": "C9"}, "no customer C9"),
        ("get_details_by_id", {"id": "X1"}, "nothing with the id 'X1'"),
        ("get_details_by_id", {"id": ""}, "nothing with the id ''"),
        ("enable_roaming", {**JOHN, "line_id": "L1004"}, "C1001 has no line L1004"),
        ("suspend_line", {**JOHN, "line_id": "L1003", "reason": "lost"}, "only an active line"),
        ("resume_line", JOHN, "only a suspended line"),
        ("send_payment_request", {"customer_id": "C1001", "bill_id": "B1005"}, "C1001 has no bill B1005"),
        ("refuel_data", {**JOHN, "gb_amount": 0}, "above 0 GB"),
        ("refuel_data", {**JOHN, "gb_amount": float("inf")}, "above 0 GB"),
    ],
)
def test_what_the_carrier_refuses(world: TaskEnvironment, name: str, arguments: dict[str, object], reason: str) -> None:
    before = world.state
    result = ask(world, name, **arguments)
    assert (result.outcome, world.state) == ("refused", before)
    assert reason in result.reason


@pytest.mark.parametrize("record_id", ["C1001", "L1002", "D1002", "B1002", "P1002"])
def test_details_of_everything_with_an_id(world: TaskEnvironment, record_id: str) -> None:
    assert record_id in ask(world, "get_details_by_id", id=record_id).value.values()


def test_a_name_needs_its_date_of_birth(world: TaskEnvironment) -> None:
    assert len(ask(world, "get_customer_by_name", full_name="john smith", dob="1985-06-15").value) == 1
    assert ask(world, "get_customer_by_name", full_name="John Smith", dob="1985-06-16").value == []


def test_bills_come_latest_first(world: TaskEnvironment) -> None:
    bills = ask(world, "get_bills_for_customer", customer_id="C1001", limit=2).value
    assert [bill["bill_id"] for bill in bills] == ["B1003", "B1002"]


def test_added_data_comes_on_the_draft_bill(world: TaskEnvironment) -> None:
    assert ask(world, "refuel_data", **JOHN, gb_amount=2.0).value["charge"] == 4.0
    bill = ask(world, "get_details_by_id", id="B1003").value
    assert (bill["total_due"], bill["line_items"][0]["amount"]) == (4.0, 4.0)
    assert ask(world, "get_data_usage", **JOHN).value == {
        "line_id": "L1002",
        "data_used_gb": 8.7,
        "data_limit_gb": 15.0,
        "data_refueling_gb": 2.0,
        "cycle_end_date": "2025-02-28",
    }


def test_a_draft_bill_is_made_once_and_the_same_in_every_world(domain: Tau2Domain) -> None:
    """C1003 has no draft bill. In the original its id is random, so that equal paths end in unequal states."""
    worlds = domain.fresh(), domain.fresh()
    for world in worlds:
        for _ in range(2):
            ask(world, "refuel_data", customer_id="C1003", line_id="L1009", gb_amount=1.0)
    assert worlds[0].state == worlds[1].state
    bills = ask(worlds[0], "get_bills_for_customer", customer_id="C1003").value
    assert [(bill["status"], bill["total_due"]) for bill in bills] == [("Draft", 4.0), ("Disputed", 70.0)]
    period = [bills[0][name] for name in ("period_start", "period_end", "issue_date", "due_date")]
    assert period == ["2025-03-01", "2025-03-31", "2025-03-01", "2025-03-15"]


def test_a_line_is_suspended_and_resumed(world: TaskEnvironment) -> None:
    before = world.state
    line = ask(world, "suspend_line", **JOHN, reason="lost").value["line"]
    assert (line["status"], line["suspension_start_date"]) == ("Suspended", "2025-02-25")
    ask(world, "resume_line", **JOHN)
    assert world.state == before


def test_a_payment_goes_from_one_side_to_the_other(world: TaskEnvironment) -> None:
    overdue = {**JOHN, "new_bill_id": "B7", "contract_ended": True}
    begin(world, ("agent", "suspend_line_for_overdue_bill", overdue))
    paid = StateCheck("agent", "assert_no_overdue_bill", {"overdue_bill_id": "B7"})
    exists = StateCheck("agent", "assert_overdue_bill_exists", {"customer_id": "C1001", "overdue_bill_id": "B7"})
    assert (world.returned(paid), world.returned(exists)) == (False, True)
    assert ask(world, "get_details_by_id", id="L1002").value["contract_end_date"] == "2025-01-31"
    assert on_phone(world, "check_payment_request") == "Nobody asks for a payment."
    assert ask(world, "make_payment", "customer").reason == "nobody asks for a payment"
    ask(world, "send_payment_request", customer_id="C1001", bill_id="B7")
    again = ask(world, "send_payment_request", customer_id="C1001", bill_id="B1002")
    assert again.reason == "another bill of this customer is awaiting payment"
    assert on_phone(world, "check_payment_request") == "You are asked to pay 65.0 USD for bill B7."
    on_phone(world, "make_payment")
    assert (world.returned(paid), world.returned(exists)) == (True, False)
    assert on_phone(world, "check_payment_request") == "Nobody asks for a payment."


def test_a_resumed_line_serves_the_phone_after_a_reboot(world: TaskEnvironment) -> None:
    begin(world)
    ask(world, "suspend_line", **JOHN, reason="lost")
    on_phone(world, "reboot_device")
    assert "📵 No Signal" in on_phone(world, "check_status_bar")
    ask(world, "resume_line", **JOHN)
    assert "📵 No Signal" in on_phone(world, "check_status_bar")
    assert "📶⁴ Excellent | 5G" in on_phone(world, "reboot_device")


def test_data_abroad_needs_roaming_on_both_sides(world: TaskEnvironment) -> None:
    begin(world, ("agent", "disable_roaming", JOHN), ("customer", "set_user_location", {"abroad": True}))
    assert "failed" in on_phone(world, "run_speed_test")
    ask(world, "enable_roaming", **JOHN)
    assert ask(world, "enable_roaming", **JOHN).value == "Roaming was already enabled."
    assert "failed" in on_phone(world, "run_speed_test")
    on_phone(world, "toggle_roaming")
    assert on_phone(world, "run_speed_test").startswith("Speed: 275.00 Mbps (excellent)")


def test_a_used_up_allowance_stops_data_until_it_is_refueled(world: TaskEnvironment) -> None:
    begin(world, ("agent", "set_data_usage", {**JOHN, "data_used_gb": 15.1}))
    assert "failed" in on_phone(world, "run_speed_test")
    ask(world, "refuel_data", **JOHN, gb_amount=0.1)
    assert "failed" in on_phone(world, "run_speed_test")  # all of it is used
    ask(world, "refuel_data", **JOHN, gb_amount=1)
    assert "excellent" in on_phone(world, "run_speed_test")


def test_airplane_mode_ends_wifi_and_vpn(world: TaskEnvironment) -> None:
    begin(world)
    on_phone(world, "connect_vpn")
    assert "🔒 VPN Connected" in on_phone(world, "check_status_bar")
    assert on_phone(world, "toggle_airplane_mode").endswith("Status bar: ✈️ Airplane Mode | 🔋 80%")
    assert ask(world, "toggle_wifi", "customer").reason == "Wi-Fi cannot be changed while airplane mode is on"
    assert on_phone(world, "check_vpn_status") == "VPN is off in the settings, and not connected."
    assert "📶⁴ Excellent | 5G | 📱 Data Enabled" in on_phone(world, "toggle_airplane_mode")


def test_apn_settings_are_reset_by_the_next_reboot(world: TaskEnvironment) -> None:
    begin(world, ("customer", "break_apn_settings", {}), ("customer", "break_apn_mms_setting", {}))
    assert on_phone(world, "check_apn_settings") == "APN name: broken\nMMSC address (picture messages): not set"
    assert "📵 No Signal" in on_phone(world, "reset_apn_settings")
    assert "Excellent" in on_phone(world, "reboot_device")
    assert "http" in on_phone(world, "check_apn_settings")
    on_phone(world, "set_apn_settings", apn_settings={"mmsc_url": None})
    assert on_phone(world, "can_send_mms") == "The messaging app cannot send MMS."


def test_permissions_of_apps(world: TaskEnvironment) -> None:
    begin(world, ("customer", "remove_app_permission", {"app_name": "messaging", "permission": "sms"}))
    assert on_phone(world, "can_send_mms") == "The messaging app cannot send MMS."
    assert on_phone(world, "check_app_permissions", app_name="messaging") == "Permissions: storage, phone."
    on_phone(world, "grant_app_permission", app_name="messaging", permission="SMS")
    assert on_phone(world, "can_send_mms") == "The messaging app can send MMS."
    for app, permission, reason in (("game", "sms", "no app 'game'"), ("browser", "camera", "no permission 'camera'")):
        refused = ask(world, "grant_app_permission", "customer", app_name=app, permission=permission)
        assert reason in refused.reason


def test_each_tool_of_the_phone_answers(world: TaskEnvironment) -> None:
    arguments = {
        "set_network_mode_preference": {"mode": "3g_only"},
        "set_apn_settings": {"apn_settings": {}},
        "check_app_status": {"app_name": "browser"},
        "check_app_permissions": {"app_name": "browser"},
        "grant_app_permission": {"app_name": "browser", "permission": "sms"},
    }
    begin(world, ("agent", "suspend_line_for_overdue_bill", {**JOHN, "new_bill_id": "B7", "contract_ended": False}))
    ask(world, "send_payment_request", customer_id="C1001", bill_id="B7")
    for name, tool in world.tools("customer").items():
        before = world.state
        assert ask(world, name, "customer", **arguments.get(name, {})).outcome == "done"
        assert tool.reach == "write" or world.state == before, name
        if name == "toggle_airplane_mode":  # without which Wi-Fi could not be changed
            on_phone(world, name)


PHONE = Phone(app_statuses={"messaging": PhoneApp("messaging", {"storage": True, "sms": True})})
AROUND = Whereabouts()


@pytest.mark.parametrize(
    ("mode", "technology", "signal", "speed", "word"),
    [
        ("4g_5g_preferred", "5G", "excellent", 275.0, "excellent"),
        ("4g_only", "4G", "good", 44.0, "good"),
        ("3g_only", "3G", "fair", 1.5, "poor"),
        ("2g_only", "2G", "poor", 0.05, "very poor"),
    ],
)
def test_network_and_speed(mode: str, technology: str, signal: str, speed: float, word: str) -> None:
    """By hand: the mean of the range of the technology, times what the signal leaves of it."""
    phone = connected(replace(PHONE, network_mode_preference=mode), AROUND)
    assert (phone.network_technology_connected, phone.network_signal_strength) == (technology, signal)
    assert mbps(phone, AROUND) == pytest.approx(speed)
    assert in_words(speed) == word
    assert can_send(phone, AROUND) == (technology != "2G")


def test_without_5g_the_phone_falls_back_to_4g() -> None:
    around = replace(AROUND, signal_strength={"4G": "fair"})
    phone = connected(PHONE, around)
    assert (phone.network_technology_connected, mbps(phone, around)) == ("4G", 27.5)


def test_data_saver_and_a_slow_vpn_slow_down_together(world: TaskEnvironment) -> None:
    steps = ("simulate_network_search", "break_vpn", "turn_data_saver_mode_on")
    begin(world, *(("customer", name, {}) for name in steps))
    assert on_phone(world, "run_speed_test").startswith("Speed: 5.50 Mbps (fair)")
    on_phone(world, "disconnect_vpn")
    assert on_phone(world, "run_speed_test").startswith("Speed: 55.00 Mbps (good)")
    on_phone(world, "toggle_data_saver_mode")
    on_phone(world, "connect_vpn")  # the usual one is fast
    assert on_phone(world, "run_speed_test").startswith("Speed: 275.00 Mbps (excellent)")


@pytest.mark.parametrize(
    "fault",
    [
        {"sim_card_missing": True},
        {"sim_card_status": "locked_pin"},
        {"airplane_mode": True},
        {"active_apn_settings": ApnSettings(apn_name="broken")},
    ],
)
def test_what_takes_the_service_away(fault: dict[str, object]) -> None:
    phone = connected(replace(PHONE, **fault), AROUND)
    assert phone.network_connection_status == "no_service"
    assert mbps(phone, AROUND) is None
    assert not can_send(phone, AROUND)


def test_mms_does_not_go_over_wifi() -> None:
    assert can_send(replace(PHONE, wifi_calling_enabled=True), AROUND)
    assert not can_send(replace(PHONE, wifi_calling_enabled=True, wifi_calling_mms_over_wifi=True), AROUND)
    assert not can_send(replace(PHONE, app_statuses={}), AROUND)
    assert not can_send(replace(PHONE, data_enabled=False), AROUND)
    assert not can_send(PHONE, replace(AROUND, mobile_data_usage_exceeded=True))


@pytest.mark.parametrize(
    ("side", "name", "arguments", "right"),
    [
        ("customer", "assert_airplane_mode_status", {"expected_status": False}, True),
        ("customer", "assert_service_status", {"expected_status": "connected"}, True),
        ("customer", "assert_service_status", {"expected_status": "lost"}, None),
        ("customer", "assert_mobile_data_status", {"expected_status": False}, False),
        ("customer", "assert_mobile_roaming_status", {"expected_status": False}, True),
        ("customer", "assert_mobile_data_saver_mode_status", {"expected_status": True}, False),
        ("customer", "assert_internet_speed", {"expected_speed": 200, "expected_desc": "Excellent"}, True),
        ("customer", "assert_internet_speed", {"expected_speed": 300}, False),
        ("customer", "assert_internet_speed", {"expected_speed": 10, "expected_desc": "good"}, False),
        ("customer", "assert_internet_not_excellent", {}, False),
        ("customer", "assert_can_send_mms", {"expected_status": True}, True),
        ("customer", "assert_mobile_data_usage_exceeded", {"expected_status": False}, True),
        ("agent", "assert_data_refueling_amount", {**JOHN, "expected_amount": 0}, True),
        ("agent", "assert_line_status", {**JOHN, "expected_status": "Active"}, True),
        ("agent", "assert_line_status", {**JOHN, "expected_status": "Closed"}, False),
    ],
)
def test_checks(
    world: TaskEnvironment, side: Side, name: str, arguments: dict[str, object], right: bool | None
) -> None:
    begin(world, ("customer", "simulate_network_search", {}))
    assert world.returned(StateCheck(side, name, arguments)) is right
