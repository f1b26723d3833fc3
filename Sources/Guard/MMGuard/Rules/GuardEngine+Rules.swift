internal import MMCore

extension GuardEngine {
    /// Returns all rules for listing and explaining, except those for single cmdlets, which are thousands: use
    /// `rules(forCmdlet:)`.
    package func rules() -> [GuardRuleDescription] {
        userRules() + listRules() + generalRules() + constructRules() + requestRules() + shellRules()
    }

    /// Returns the tables' rules for a cmdlet: its class, and the parameters that add classes.
    package func rules(forCmdlet name: String) -> [GuardRuleDescription] {
        let target = tables.cmdlets.alias(name) ?? name
        return tables.cmdlets.entries(named: target).map { entry in
            let reasons = tables.cmdlets.reasons(of: entry)
            return GuardRuleDescription(
                id: entry.name, kind: "cmdlet",
                guardClass: entry.classes.classes.map(\.rawValue).joined(separator: ", "),
                explanation: "\(entry.name) \(entry.classes.strictest.meaning)"
                    + (reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))"),
                instead: nil,
                patterns: tables.cmdlets.raises(of: entry).map { raise in
                    "-\(raise.parameter) adds \(raise.classes.classes.map(\.rawValue).joined(separator: ", ")) (\(raise.reason))"
                })
        }
    }

    private func constructRules() -> [GuardRuleDescription] {
        ConstructRule.allCases.map { rule in
            GuardRuleDescription(
                id: rule.rawValue, kind: "construct", guardClass: nil,
                explanation: rule.reason + ": at least ask",
                instead: rule.instead, patterns: [])
        }
    }

    private func requestRules() -> [GuardRuleDescription] {
        let table = tables.requests
        return (0..<table.count).map { row in
            let rule = table.rule(row)
            let (service, methods, patterns) = table.description(row)
            return GuardRuleDescription(
                id: rule.id, kind: "request", guardClass: rule.isBatch ? nil : rule.classes.strictest.rawValue,
                explanation: rule.why, instead: nil,
                patterns: patterns.map { "\(service) \(methods.joined(separator: ",")) \($0)" })
        }
    }

    private func listRules() -> [GuardRuleDescription] {
        func names(_ list: CmdletEntry.Lists) -> [String] {
            var names: Set<String> = []
            for row in 0..<tables.cmdlets.count {
                let entry = tables.cmdlets.entry(row)
                if entry.lists.contains(list) { names.insert(entry.name) }
            }
            return names.sorted()
        }
        return [
            GuardRuleDescription(
                id: "seed-blocked", kind: "list", guardClass: nil,
                explanation:
                    "these are always denied, whatever the policy and even if confirmed: they "
                    + "install software, or change permissions on Azure and its key vaults",
                instead: "A person must do this with their own tools, outside mm.", patterns: names(.blocked)),
            GuardRuleDescription(
                id: "seed-blocked-names", kind: "list", guardClass: nil,
                explanation:
                    "in the tool profiles of the earlier servers these are always denied; elsewhere they are judged like the "
                    + "requests with the same effect",
                instead: nil, patterns: names(.earlierBlocked)),
            GuardRuleDescription(
                id: "seed-warned", kind: "list", guardClass: nil,
                explanation:
                    "a person must confirm these; in the tool profiles of the earlier servers they run with a warning",
                instead: nil, patterns: names(.warned)),
            GuardRuleDescription(
                id: "seed-send", kind: "list", guardClass: "send",
                explanation:
                    "these send messages: a person sees the message and must confirm it",
                instead: nil, patterns: names(.sendGuard)),
        ]
    }

    /// Returns the rules that belong neither to a list nor to constructs nor to patterns.
    private func generalRules() -> [GuardRuleDescription] {
        let all: [(id: String, kind: String, explanation: String)] = [
            ("read", "cmdlet", "a script that only reads"),
            ("cmdlet", "cmdlet", "the class of a cmdlet, raised by its parameters: see mm guard rules NAME"),
            ("unknown-command", "cmdlet", "an unknown cmdlet, whatever its verb: at least ask"),
            (
                "unproven-command", "cmdlet",
                "a cmdlet with an unknown request, whatever its verb: at least ask"
            ),
            ("own-sign-in", "cmdlet", "a script signs in as another identity than the connection's: denied"),
            ("session-name", "cmdlet", "an earlier script of the session redefined this command: at least ask"),
            ("module-missing", "cmdlet", "its Azure module is not installed: use Invoke-AzRestMethod"),
            ("bulk", "cmdlet", "a change to many objects: at least ask"),
            ("pac", "cmdlet", "a call of the Power Platform CLI (pac), by its subcommand"),
            (
                "tainted-session", "cmdlet",
                "the session ran code that the guard could not analyse: ask even for reads"
            ),
            ("reads", "request", "a request that only reads"),
            ("writes", "request", "a change at a known path without a specific rule"),
            ("deletes", "request", "a deletion without a specific rule"),
            (
                "sensitive-property", "request",
                "a body that changes sign-ins, memberships or owners, at a path without a rule"
            ),
            ("unknown-path", "request", "a change at an unknown path: at least ask"),
            ("unknown-method", "request", "an unknown method"),
            ("expand-unreadable", "request", "what its $expand asks for can't be read"),
            ("method-header", "request", "a header that changes the method after the guard judged it"),
            ("request-host", "request", "the request and its token would go to another host: denied"),
            (
                "refused-address", "request",
                "the address can't be sent: another host, control characters, user information"
            ),
            ("address-spelling", "request", "servers may read the address differently"),
            ("unreadable-body", "request", "a body that can't be read before it is sent"),
            ("added-host", "request", "data goes to a host that the owner of the connection added"),
            (
                "unnamed-host", "request",
                "it goes to a host name that anybody can register and that the tenant has not named: ask once for each host"
            ),
            ("long-read", "request", "a read sends much data to a host that is not part of a service: ask"),
            ("batch-unreadable", "request", "a batch or an item of it can't be read"),
            ("batch-absolute-url", "request", "an absolute address within a batch"),
            ("nested-batch", "request", "a batch within a batch"),
            ("invoke-command-unreadable", "request", "a cmdlet sent to Exchange that can't be read"),
            ("unreadable", "request", "a line of a batch check that can't be read"),
        ]
        return all.map {
            GuardRuleDescription(
                id: $0.id, kind: $0.kind, guardClass: nil, explanation: $0.explanation, instead: nil, patterns: [])
        }
    }

    private func userRules() -> [GuardRuleDescription] {
        tables.user.rules.map { rule in
            let patterns: [String] =
                switch rule.matter {
                case .cmdlet(let names, let parameters): names + parameters.map { "-" + $0 }
                case .request(let service, let methods, let paths):
                    paths.map { "\(service) \(methods.joined(separator: ",")) /\($0.joined(separator: "/"))" }
                case .rule(let ids): ids
                }
            return GuardRuleDescription(
                id: "user:\(rule.id)", kind: "user", guardClass: rule.guardClass?.rawValue,
                explanation: rule.reason + (rule.decision.map { " (\($0.rawValue))" } ?? "")
                    + (rule.loosens.isEmpty ? "" : ", loosens \(rule.loosens.joined(separator: ", "))"),
                instead: rule.instead, patterns: patterns)
        }
    }
}

/// A rule as `mm guard rules` lists and explains it.
package struct GuardRuleDescription: Sendable, Hashable {
    /// The id, as verdicts name it.
    package var id: String
    /// `construct`, `request`, `cmdlet`, `list` or `user`.
    package var kind: String
    /// The class that it assigns; `nil` if that depends on the command.
    package var guardClass: String?
    /// The reason for the rule.
    package var explanation: String
    /// What to do instead.
    package var instead: String?
    /// The methods and paths, or names, that it applies to.
    package var patterns: [String]
}
