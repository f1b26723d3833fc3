import MMCore
import MMGuard

/// `guard_rules`: lists the rules of the guard.
struct GuardRules: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(
            "pattern", "Show rules whose name, text or patterns contain this word, or the rules for a cmdlet.", .at(0))
        var pattern: String?
        @Argument("kind", "Show only rules of this kind.", of: ["construct", "request", "cmdlet", "list", "user"])
        var kind: String?
    }

    let declaration = OperationDeclaration(
        "guard_rules", command: ["guard", "rules"], title: "The guard's rules",
        summary: "List and explain the guard's rules.",
        effects: .init(readOnly: true, idempotent: true),
        audience: .person,
        examples: [
            .init("mm guard rules --kind construct", "PowerShell constructs that are asked about or denied, and why"),
            .init("mm guard rules Remove-Mailbox", "the rules for one cmdlet"),
        ]
    ).kept(by: .owner)

    func run(
        _ input: Input, in context: OperationContext, with guards: CurrentGuard
    ) async throws(MMError) -> OperationAnswer {
        let engine = try guards.engine()
        var rules = engine.rules()
        if let pattern = input.pattern {
            let wanted = pattern.lowercased()
            rules = rules.filter { rule in
                ([rule.id, rule.explanation] + rule.patterns).contains { $0.lowercased().contains(wanted) }
            }
            for rule in engine.rules(forCmdlet: pattern) where !rules.contains(rule) { rules.append(rule) }
        }
        if let kind = input.kind { rules = rules.filter { $0.kind == kind } }
        let rows = rules.map { JSONValue.object($0.json) }
        var notes = rows.isEmpty ? ["No rule matches. mm guard rules lists all of them."] : []
        // A single matching list is shown with its entries.
        if rules.count == 1, let list = rules.first, list.kind == "list" {
            notes.append(
                "It applies to \(list.patterns.count.counted("cmdlet")): \(list.patterns.joined(separator: ", ")).")
        }
        return .value(.array(rows), notes: notes, columns: ["id", "kind", "class", "explanation"])
    }
}
