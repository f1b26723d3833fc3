internal import MMCore
internal import MMHTTP

/// `getSchedule`: when people and rooms are free, as their calendars say.
struct FreeBusy {
    let context: TenantContext
    let store: DirectoryStore

    /// The answer; `nil` for every other call.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse? {
        guard call.segments.last?.name.lowercased() == "getschedule" else { return nil }
        try call.requirePost()
        guard GraphScopes(call: call, isSelf: true).isOpen ?? true else { throw .mailDenied }
        let body = try call.object()
        guard let names = body["schedules"]?.array?.compactMap(\.string), !names.isEmpty,
            let start = Self.time(body["startTime"]), let end = Self.time(body["endTime"]), start < end
        else {
            throw GraphFailure(
                400, "ErrorInvalidParameter", "The parameters schedules, startTime and endTime are needed.")
        }
        let interval = Int64(min(max(body["availabilityViewInterval"]?.int ?? 30, 5), 1440)) * 60
        let rows = names.map { row($0, start, end, interval) }
        return GraphAnswers.json([
            "@odata.context": .string(
                "\(context.base)/\(call.version)/$metadata#Collection(microsoft.graph.scheduleInformation)"),
            "value": .array(rows),
        ])
    }

    private func row(_ name: String, _ start: Int64, _ end: Int64, _ interval: Int64) -> JSONValue {
        guard let user = store.user(name) else {
            return [
                "scheduleId": .string(name), "availabilityView": "",
                "error": [
                    "message": "Unable to resolve e-mail address to an Active Directory object.",
                    "responseCode": "ErrorMailRecipientNotFound",
                ],
            ]
        }
        let busy = store.table(.events(user.id)).all.compactMap { event -> (Int64, Int64, JSONValue)? in
            guard let from = Self.time(event["start"]), let to = Self.time(event["end"]), from < end, to > start else {
                return nil
            }
            return (from, to, event["showAs"] ?? "busy")
        }
        var view = ""
        for slot in stride(from: start, to: end, by: Int(interval)) {
            view += busy.contains { $0.0 < slot + interval && $0.1 > slot } ? "2" : "0"
        }
        return [
            "scheduleId": .string(name), "availabilityView": .string(view),
            "scheduleItems": .array(
                busy.map {
                    [
                        "status": $0.2, "start": ["dateTime": .string(ServiceTime.text($0.0)), "timeZone": "UTC"],
                        "end": ["dateTime": .string(ServiceTime.text($0.1)), "timeZone": "UTC"],
                    ]
                }),
        ]
    }

    private static func time(_ value: JSONValue?) -> Int64? {
        guard let text = value?["dateTime"]?.string else { return nil }
        let plain = text.prefix { $0 != "." }
        return ServiceTime.seconds(plain.hasSuffix("Z") ? String(plain) : String(plain) + "Z").map { Int64($0) }
    }
}
