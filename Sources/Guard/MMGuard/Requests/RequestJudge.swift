internal import MMCore

/// Turns what the tables say about a request into findings and a verdict.
struct RequestJudge: Sendable {
    /// The rules of requests that hide what they do.
    private static let hiding: Set<String> = [
        "method-header", "nested-batch", "batch-absolute-url", "batch-unreadable", "address-spelling",
        "unreadable-body",
    ]

    let classifier: RequestClassifier
    let user: UserRuleFile

    init(tables: GuardTables) {
        classifier = RequestClassifier(tables: tables)
        user = tables.user
    }

    func judge(_ request: GuardedRequest, policy: GuardPolicy, confirmed: Bool) -> Verdict {
        let found = classifier.classify(request)
        let line = "\(request.method.uppercased()) \(request.target.pathAndQuery)"
        var findings = user.apply(to: self.findings(found, line: line, method: request.method))
        if request.target.service == .signIn { findings.append(Self.ownSignIn(line)) }
        return Verdict(
            findings: findings, policy: policy, confirmed: confirmed, previews: previews(found, request))
    }

    /// Sessions sign in while the pool signs them in, and nobody else asks for tokens.
    private static func ownSignIn(_ line: String) -> GuardFinding {
        GuardFinding(
            rule: "own-sign-in", classes: .session, reason: "\(line): it signs in, or asks for a token.",
            instead: "Sign in with mm login.", subject: line)
    }

    /// The findings of a classified request; a batch has one for each item.
    func findings(_ found: RequestClassification, line: String, method: String) -> [GuardFinding] {
        guard found.items.isEmpty else {
            return found.items.flatMap { item in
                findings(item.classification, line: "item \(item.id): \(item.line)", method: item.line)
            }
        }
        let what = found.template ?? "this path"
        var kind = GuardFinding.Kind.classified
        var reason = "\(line): \(found.why)."
        var instead: String?
        if found.sendsMessage {
            kind = .sendGuard
            instead = "Show the message to the person and let them confirm it, or save it as a draft."
        } else if !found.isKnown, found.classes == .write || (found.classes == .read && found.method != "GET") {
            kind = .unknown
            reason = "\(line): this path is in no table, so it is unknown what the change does."
            instead = "Check the spelling against the documentation of the service, or let a person confirm it."
        } else if Self.hiding.contains(found.rule) {
            kind = .dynamic
            instead = "Send the requests one by one, with plain methods and relative addresses."
        } else if found.classes.contains(.secret) {
            instead = "Leave the secret property out of $select, or let a person confirm it."
        } else if found.rule == "link-without-ref" {
            instead = "Put /$ref at the end of the path: that removes the link and keeps \(what) itself."
        }
        let finding = GuardFinding(
            rule: kind == .unknown ? "unknown-path" : found.rule, classes: found.classes, kind: kind, reason: reason,
            instead: instead, subject: line)
        return user.apply(
            to: [finding], service: found.service.rawValue, method: found.method, forms: found.forms, line: line)
    }

    private func previews(_ found: RequestClassification, _ request: GuardedRequest) -> [SendPreview] {
        guard found.items.isEmpty else {
            return found.items.filter { $0.classification.classes.contains(.send) }
                .map { SendPreview(line: "item \($0.id): \($0.line)", body: $0.body) }
        }
        return found.classes.contains(.send) ? [SendPreview(of: request)] : []
    }
}
