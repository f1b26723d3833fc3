import MMCore

/// `audit_verify`: checks whether the audit chain is intact.
struct AuditVerify: CatalogueOperation {
    typealias Input = NoInput

    let declaration = OperationDeclaration(
        "audit_verify", command: ["audit", "verify"], title: "Verify the audit log",
        summary: "Verify that no line of the audit log was changed, removed or inserted.",
        effects: .init(readOnly: true, idempotent: true), audience: .person,
        examples: [.init("mm audit verify", "ends with 1 and names the first broken line")]
    ).kept(by: .everyLog)

    /// The log and its path.
    struct Services: Sendable {
        let audit: AuditLog
        let path: String
    }

    func run(
        _ input: NoInput, in context: OperationContext, with services: Services
    ) async throws(MMError) -> OperationAnswer {
        let result = try services.audit.verify()
        if let broken = result.broken {
            throw MMError(
                .conflict,
                "The audit log is broken at line \(broken.line)\(broken.file.map { " of \($0)" } ?? ""): \(broken.reason)",
                hint: "\(services.path) was changed, or one of the full files beside it was removed. "
                    + "Compare it with a copy.")
        }
        let lost = result.lostHeads.map {
            "The .head file was missing before line \($0): lines before it may have been cut off."
        }
        return .value(
            [
                "lines": .int(Int64(result.entries)), "torn": .int(Int64(result.tornLines)),
                "fullFiles": .int(Int64(result.fullFiles)),
                "lostHeads": .array(result.lostHeads.map(JSONValue.int)), "head": .string(result.lastHash),
            ], notes: lost)
    }
}
