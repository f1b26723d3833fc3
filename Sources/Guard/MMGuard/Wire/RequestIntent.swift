import MMCore

/// What a request at the wire is for.
package struct RequestIntent: Sendable, Hashable {
    /// The request.
    package let request: WireRequest
    /// The classes of what it does.
    package let classes: GuardClassSet
    /// The kind of request, without what names somebody or something: a path's template, or a cmdlet's name.
    package let template: String
    /// The names of what it works on.
    package let targets: [String]
    /// What the guard found in it.
    package let findings: [GuardFinding]
    /// What it sends to people.
    let previews: [SendPreview]
    /// The digest of the request; a retry has the same.
    package let digest: String

    /// Whether it only looks.
    package var isRead: Bool { classes == .read && findings.allSatisfy { $0.kind == .classified } }

    /// Whether nobody can say what it does: no table knows it, or it can't be read.
    var isUnclear: Bool { findings.contains { $0.kind == .unknown || $0.kind == .dynamic } }

    /// Requests of one kind have one: method, service, template and classes.
    package var kind: String {
        "\(request.method.uppercased()) \(request.service?.rawValue ?? request.origin) \(template) \(classes.rawValue)"
    }

    /// What a policy says of it.
    package func verdict(_ policy: GuardPolicy) -> Verdict {
        Verdict(findings: findings, policy: policy, previews: previews)
    }
}

extension GuardEngine {
    /// What a request at the wire is for.
    package func intent(of request: WireRequest) -> RequestIntent {
        let found = WireClassifier(tables: tables).classify(request)
        let judge = RequestJudge(tables: tables)
        let own = judge.user.apply(to: judge.findings(found, line: request.line, method: request.method))
        let findings = own + WireFindings.of(request, found)
        let classes = findings.reduce(into: GuardClassSet()) { $0.formUnion($1.classes) }
        let guarded = found.items.isEmpty && classes.contains(.send)
        let previews =
            guarded
            ? [SendPreview(line: request.line, body: WireBody(request).content)]
            : found.items.filter { $0.classification.classes.contains(.send) }
                .map { SendPreview(line: "item \($0.id): \($0.line)", body: $0.body) }
        return RequestIntent(
            request: request, classes: classes.subtracting(classes == .read ? [] : .read),
            template: template(of: request, found),
            targets: RequestNames.of(request, found) + (request.owner == .unknown ? [request.host] : []),
            findings: findings,
            previews: previews, digest: request.digest)
    }

    private func template(of request: WireRequest, _ found: RequestClassification) -> String {
        if request.service == .exchange, case .json(let value) = WireBody(request).content,
            let cmdlet = ExchangeCommand.name(in: value)
        {
            return cmdlet
        }
        let path = found.template ?? PathTemplate.of(request.target)
        guard request.service == .sharePoint, !found.items.isEmpty else { return path }
        let steps = found.items.filter { $0.classification.classes != .read }.map(\.line)
        return ([path] + steps.prefix(5)).joined(separator: " ")
    }
}
