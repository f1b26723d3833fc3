internal import MMCore

/// `Search-UnifiedAuditLog`.
extension ExchangeOrganization {
    /// Returns the records of the unified audit log that a call asks for.
    func auditLog(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let start = try moment(call, "StartDate") else { throw .missing("StartDate") }
        guard let end = try moment(call, "EndDate") else { throw .missing("EndDate") }
        func asked(_ name: String) -> Set<String>? { call.texts(name).map { Set($0.map { $0.lowercased() }) } }
        let entries =
            start > end
            ? []
            : store.auditLog.entries(
                UnifiedAuditLog.Search(
                    time: start...end, operations: asked("Operations"), users: asked("UserIds"),
                    types: call.text("RecordType").map { [$0.lowercased()] }, text: call.text("FreeText")))
        let count = JSONValue.int(Int64(entries.count))
        let rows = entries.enumerated().map { place, entry -> JSONObject in
            [
                "RecordType": .string(entry.type), "CreationDate@data.type": "System.DateTime",
                "CreationDate": .string(ServiceTime.text(entry.time)), "UserIds": .string(entry.user),
                "Operations": .string(entry.operation), "AuditData": .string(entry.auditData),
                "ResultIndex": .int(Int64(place + 1)), "Identity": .string(entry.id), "IsValid": true,
                "ResultCount": count,
            ]
        }
        return try .page(of: rows, call)
    }
}
