import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Calendars of the sandbox")
struct CalendarTests {
    private static func event(_ start: String, _ end: String, _ zone: String) -> JSONValue {
        [
            "subject": "Trip", "start": ["dateTime": .string(start), "timeZone": .string(zone)],
            "end": ["dateTime": .string(end), "timeZone": .string(zone)],
        ]
    }

    private static func day(_ date: String) -> String {
        "calendarView?$filter=subject%20eq%20'Trip'&startDateTime=\(date)T00:00:00&endDateTime=\(date)T23:59:59"
    }

    @Test(
        "an event is kept in UTC, wherever its times were written, and found at the right time",
        arguments: [
            ("UTC", "2026-07-01T23:30:00.0000000", "2026-07-01"),
            ("W. Europe Standard Time", "2026-07-01T21:30:00.0000000", "2026-07-01"),
            ("Europe/Berlin", "2026-07-01T21:30:00.0000000", "2026-07-01"),
            ("Pacific Standard Time", "2026-07-02T06:30:00.0000000", "2026-07-02"),
        ])
    func zones(zone: String, start: String, date: String) async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        let made = await bench.graph(
            "POST", "/v1.0/me/events", token: token,
            body: Self.event("2026-07-01T23:30:00", "2026-07-01T23:45:00", zone))
        #expect(made.status == 201 && made.json["originalStartTimeZone"] == .string(zone))
        #expect(made.json["start"] == ["dateTime": .string(start), "timeZone": "UTC"])
        let calendar = await bench.graph("GET", "/v1.0/me/calendars", token: token).json["value"]?[0]?["id"]?.string
        for place in ["me", "me/calendar", "me/calendars/\(calendar ?? "")"] {
            let view = await bench.graph("GET", "/v1.0/\(place)/\(Self.day(date))", token: token)
            #expect(view.json["value"]?.array?.map { $0["id"] } == [made.json["id"]], "\(place)")
        }
        let written = Self.event("2026-07-01T23:30:00", "2026-07-01T23:45:00", zone)
        let event = "/v1.0/me/events/\(made.json["id"]?.string ?? "")"
        let moved = await bench.graph(
            "PATCH", event, token: token, body: ["start": written["start"] ?? .null, "end": written["end"] ?? .null])
        #expect(moved.json["start"] == made.json["start"] && moved.json["end"] == made.json["end"])
    }

    @Test("times of events are shown on the clock that the caller prefers, those of whole days as they are")
    func preferred() async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        let event = Self.event("2026-12-01T10:00:00", "2026-12-01T11:00:00", "UTC")
        _ = await bench.graph("POST", "/v1.0/me/events", token: token, body: event)
        var day = Self.event("2026-12-02T00:00:00", "2026-12-03T00:00:00", "Tokyo Standard Time").object ?? [:]
        day["isAllDay"] = true
        _ = await bench.graph("POST", "/v1.0/me/events", token: token, body: .object(day))
        func starts(_ headers: [String: String]) async -> [String] {
            let list = await bench.graph(
                "GET", "/v1.0/me/events?$filter=subject%20eq%20'Trip'&$select=start", token: token, headers: headers)
            return (list.json["value"]?.array ?? []).compactMap { $0["start"]?["dateTime"]?.string }.sorted()
        }
        let whole = "2026-12-02T00:00:00.0000000"
        #expect(await starts([:]) == ["2026-12-01T10:00:00.0000000", whole])
        #expect(
            await starts(["Prefer": "outlook.timezone=\"Pacific Standard Time\""])
                == ["2026-12-01T02:00:00.0000000", whole])
        #expect(
            await starts(["Prefer": "outlook.body-content-type=\"text\", outlook.timezone=\"Asia/Tokyo\""])
                == ["2026-12-01T19:00:00.0000000", whole])
    }

    @Test("an event of a whole day that is moved is on the date that was written, whatever the zone")
    func movedDay() async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        let zone = "Tokyo Standard Time"
        var day = Self.event("2026-12-02T00:00:00", "2026-12-03T00:00:00", zone).object ?? [:]
        day["isAllDay"] = true
        let made = await bench.graph("POST", "/v1.0/me/events", token: token, body: .object(day))
        let written = Self.event("2026-12-09T00:00:00", "2026-12-10T00:00:00", zone)
        let moved = await bench.graph(
            "PATCH", "/v1.0/me/events/\(made.json["id"]?.string ?? "")", token: token,
            body: ["start": written["start"] ?? .null, "end": written["end"] ?? .null])
        #expect(moved.json["start"] == ["dateTime": "2026-12-09T00:00:00.0000000", "timeZone": "UTC"])
        #expect(moved.json["end"]?["dateTime"] == "2026-12-10T00:00:00.0000000")
    }

    @Test("a zone that nobody knows is refused by name, in an event and in a preference")
    func unknownZone() async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        let event = Self.event("2026-12-01T10:00:00", "2026-12-01T11:00:00", "Nowhere/Nothing")
        let answers = [
            await bench.graph("POST", "/v1.0/me/events", token: token, body: event),
            await bench.graph(
                "GET", "/v1.0/me/events", token: token, headers: ["Prefer": "outlook.timezone=\"Nowhere/Nothing\""]),
        ]
        for answer in answers {
            #expect(answer.status == 400 && answer.errorCode == "TimeZoneNotSupportedException")
            #expect(answer.text.contains("Nowhere/Nothing"))
        }
    }

    @Test("an event as the client O365 writes it is made, with what it adds told to those who expand it")
    func written() async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        var event = Self.event("2026-12-03T09:00:00", "2026-12-03T10:00:00", "W. Europe Standard Time").object ?? [:]
        let added: JSONValue = [
            ["id": "Boolean {00020329-0000-0000-C000-000000000046} Name DoNotForward", "value": "false"]
        ]
        let more: JSONObject = [
            "transactionId": .null, "isReminderOn": true, "reminderMinutesBeforeStart": 15, "isOnlineMeeting": "false",
            "onlineMeetingProvider": "teamsForBusiness", "singleValueExtendedProperties": added,
        ]
        for (name, value) in more { event[name] = value }
        let made = await bench.graph("POST", "/v1.0/me/events", token: token, body: .object(event))
        #expect(made.status == 201 && made.json["isOnlineMeeting"] == false && made.json["isReminderOn"] == true)
        #expect(made.json["singleValueExtendedProperties"] == nil)
        let place = "/v1.0/me/events/\(made.json["id"]?.string ?? "")"
        let expanded = await bench.graph("GET", "\(place)?$expand=singleValueExtendedProperties", token: token)
        #expect(expanded.json["singleValueExtendedProperties"] == added)
        event["isOnlineMeeting"] = "perhaps"
        #expect(await bench.graph("POST", "/v1.0/me/events", token: token, body: .object(event)).status == 400)
    }

    @Test("an event that is cancelled leaves the calendar", arguments: [("cancel", 404), ("accept", 200)])
    func cancelled(action: String, status: Int) async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        let event = Self.event("2026-12-01T10:00:00", "2026-12-01T11:00:00", "UTC")
        let made = await bench.graph("POST", "/v1.0/me/events", token: token, body: event)
        let place = "/v1.0/me/events/\(made.json["id"]?.string ?? "")"
        #expect(await bench.graph("POST", "\(place)/\(action)", token: token, body: ["comment": "x"]).status == 202)
        #expect(await bench.graph("GET", place, token: token).status == status)
    }

    @Test("a calendar that isn't there has no events, and free times are asked on the clock of a zone")
    func calendarsAndSchedules() async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        for path in ["events", Self.day("2026-01-01")] {
            let answer = await bench.graph("GET", "/v1.0/me/calendars/none/\(path)", token: token)
            #expect(answer.status == 404 && answer.errorCode == "ErrorItemNotFound")
        }
        let zone = "Pacific Standard Time"
        _ = await bench.graph(
            "POST", "/v1.0/me/events", token: token,
            body: Self.event("2026-12-01T10:00:00", "2026-12-01T10:30:00", zone))
        let question: JSONValue = [
            "schedules": [.string(TenantIdentity.administrator)], "availabilityViewInterval": 30,
            "startTime": ["dateTime": "2026-12-01T10:00:00", "timeZone": .string(zone)],
            "endTime": ["dateTime": "2026-12-01T11:00:00", "timeZone": .string(zone)],
        ]
        for (preference, clock, name) in [(nil, "18", "UTC"), ("outlook.timezone=\"\(zone)\"", "10", zone)] {
            let schedule = await bench.graph(
                "POST", "/v1.0/me/calendar/getSchedule", token: token,
                headers: preference.map { ["Prefer": $0] } ?? [:], body: question)
            #expect(schedule.json["value"]?[0]?["availabilityView"] == "20")
            let start: JSONValue = [
                "dateTime": .string("2026-12-01T\(clock):00:00.0000000"), "timeZone": .string(name),
            ]
            let items = schedule.json["value"]?[0]?["scheduleItems"]?.array ?? []
            #expect(items.contains { $0["start"] == start }, "\(schedule.text)")
        }
    }
}
