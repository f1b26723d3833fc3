import MMCore
import MMGuard
import MMIdentity

/// The signed record of applying a plan: the plan, its approvals, the answers of the services, and the ids with which
/// changes can be undone.
struct PlanReceipt: Sendable {
    static let form = "mm receipt 1"

    /// The signed content.
    let content: JSONValue
    let key: String
    let signature: String

    /// Creates the signed receipt of an outcome.
    init(_ outcome: PlanOutcome, by caller: Caller, signedWith key: EvidenceKey) throws(MMError) {
        let plan = outcome.file.plan
        let steps = plan.steps.indices.map { number -> JSONValue in
            let step = plan.steps[number]
            var row: JSONObject = [
                "number": .int(Int64(number + 1)), "connection": .string(step.connection),
                "request": .string(step.line), "change": .string(PlanText.title(of: step)),
                "class": .string(step.guardClass.rawValue), "result": .string(outcome.word(number)),
            ]
            for (name, value) in outcome.progress.steps[number]?.told ?? [:] { row[name] = value }
            if outcome.left.contains(number) { row["message"] = outcome.why(number).map { .string($0) } }
            return .object(row)
        }
        var content: JSONObject = [
            "form": .string(Self.form), "plan": .string(outcome.file.digest), "at": .string(Timestamp.now.iso8601),
            "call": .string(outcome.call),
            "by": .string(caller.signedIn.map { $0.name ?? $0.id } ?? ThisProcess.login),
            "client": .string(caller.journalName),
            "approved": outcome.progress.clearance.map { .object($0) } ?? .null,
            "approvals": .array(outcome.file.approvals.map(\.json)),
            "places": .array(
                plan.places.map { ["connection": .string($0.connection), "tenant": .string($0.tenant)] }),
            "steps": .array(steps), "left": .int(Int64(outcome.left.count)),
        ]
        content["open"] = plan.open.map { .string($0) }
        self.content = .object(content)
        self.key = key.publicText
        signature = try key.signature(of: CanonicalJSON.bytes(self.content))
    }

    var json: JSONValue { ["receipt": content, "key": .string(key), "signature": .string(signature)] }

    var bytes: [UInt8] { JSONWriter.bytes(CanonicalJSON.sorted(json), layout: .indented(1)) + [0x0A] }

    /// Reads a receipt.
    /// - Throws: `invalidInput` for a file that is not a receipt.
    init(_ bytes: [UInt8], named name: String) throws(MMError) {
        guard let value = try? JSONParser.parse(bytes), let content = value["receipt"],
            content["form"]?.string == Self.form, let key = value["key"]?.string,
            let signature = value["signature"]?.string
        else {
            throw MMError(
                .invalidInput, "\(name) is not a receipt that this version of mm can read.",
                hint: "mm apply --receipt FILE writes one.", details: ["field": "receipt"])
        }
        (self.content, self.key, self.signature) = (content, key, signature)
    }

    /// Whether its signature is valid.
    var isGenuine: Bool { EvidenceKey.verifies(signature, of: CanonicalJSON.bytes(content), by: key) }
}

/// `receipt_verify`: checks whether a receipt is genuine, who signed it, and whether it belongs to a plan.
struct ReceiptVerify: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("receipt", "Receipt file.", .at(0), .completes(.files)) var receipt: String
        @Argument("plan", "Plan file that the receipt must belong to.", .completes(.files)) var plan: String?
        @Argument("key", "Key that must have signed it, as `mm plan key` shows it on the signing machine.") var key:
            String?
    }

    /// The services that it uses.
    struct Services: Sendable {
        let registry: ConnectionRegistry
        let paths: StatePaths
    }

    let declaration = OperationDeclaration(
        "receipt_verify", command: ["receipt", "verify"], title: "Verify a receipt",
        summary: "Verify the receipt of an applied plan: that it is unchanged, and which key signed it.",
        effects: .init(readOnly: true), audience: .person,
        examples: [
            .init(
                "mm receipt verify change.receipt --plan change.plan",
                "on the machine that applied the plan, or on one that knows its key"),
            .init("mm receipt verify change.receipt --key mm1:…", "anywhere else"),
        ]
    )

    func run(_ input: Input, in context: OperationContext, with services: Services) async throws(MMError)
        -> OperationAnswer
    {
        let path = context.call.path(input.receipt)
        guard let bytes = try ProtectedFile.read(path, limit: 256 << 20) else {
            throw MMError(.invalidInput, "There is no receipt \(path).", details: ["field": "receipt"])
        }
        let receipt = try PlanReceipt(bytes, named: path)
        guard receipt.isGenuine else {
            throw MMError(
                .conflict, "\(path) is not genuine: it was changed after it was signed.",
                details: ["field": "receipt"])
        }
        let signer = try await signer(of: receipt, input, services)
        let content = receipt.content
        if let plan = input.plan {
            let file = try PlanFile.read(context.call.path(plan))
            guard content["plan"]?.string == file.digest else {
                throw MMError(.conflict, "\(path) is the receipt of another plan.", details: ["field": "plan"])
            }
        }
        let count = content["steps"]?.array?.count ?? 0
        let left = content["left"]?.int ?? 0
        let people = content["approved"]?["by"]?.array?.compactMap(\.string) ?? []
        return OperationAnswer(
            .value([
                "genuine": true, "signer": .string(signer), "key": .string(receipt.key),
                "plan": content["plan"] ?? .null, "at": content["at"] ?? .null, "call": content["call"] ?? .null,
                "approved": content["approved"] ?? .null, "steps": content["steps"] ?? .null,
                "left": .int(Int64(left)),
            ]),
            text: "Genuine: signed by \(signer) at \(content["at"]?.string ?? "?").\n"
                + "Plan \(content["plan"]?.string.map(Plan.id) ?? "?"): \(count - left) of "
                + "\(count.counted("change")) applied"
                + (people.isEmpty ? "." : ", approved by \(people.joined(separator: ", "))."))
    }

    /// Returns the owner of the key.
    /// - Throws: `conflict` for another key than the given one, and for an unknown key.
    private func signer(
        of receipt: PlanReceipt, _ input: Input, _ services: Services
    ) async throws(MMError) -> String {
        if let key = input.key {
            guard key == receipt.key else {
                throw MMError(
                    .conflict, "The receipt was signed with another key.", details: ["key": .string(receipt.key)])
            }
            return "the given key"
        }
        if try EvidenceKey.standing(at: services.paths.evidenceKey).publicText == receipt.key {
            return "this home"
        }
        for connection in try services.registry.snapshot().connections {
            if let known = connection.approvers.first(where: { $0.value == receipt.key }) { return known.key }
        }
        throw MMError(
            .conflict, "The receipt is unchanged, but the key that signed it is unknown here.",
            hint: "Compare it with `mm plan key` on the signing machine, then pass it: --key KEY.",
            details: ["key": .string(receipt.key)])
    }
}
