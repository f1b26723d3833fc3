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

    /// The same with what was found besides, which nobody could tell from the request itself.
    package func adding(_ found: [GuardFinding]) -> RequestIntent {
        let own = found.reduce(into: classes) { $0.formUnion($1.classes) }
        return RequestIntent(
            request: request, classes: own.subtracting(own == .read ? [] : .read), template: template, targets: targets,
            findings: findings + found, previews: previews, digest: request.digest)
    }

    /// The group to which a cmdlet of Exchange adds members, where it is such a one: what its members may do is not seen in the
    /// cmdlet; the name is `nil` where it can't be read.
    package var widenedGroup: (cmdlet: String, group: String?)? {
        guard request.service == .exchange, case .json(let value) = WireBody(request).content,
            let cmdlet = InvokedExchangeCommand.name(in: value),
            MemberCmdlets.adds(cmdlet)
        else { return nil }
        return (cmdlet, InvokedExchangeCommand.identity(in: value))
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
            let cmdlet = InvokedExchangeCommand.name(in: value)
        {
            return cmdlet
        }
        let path = found.template ?? PathTemplate.of(request.target)
        guard request.service == .sharePoint, !found.items.isEmpty else { return path }
        let steps = found.items.filter { $0.classification.classes != .read }.map(\.line)
        return ([path] + steps.prefix(5)).joined(separator: " ")
    }
}

/// What matters of a request at the wire beside what it does at its service: who reads it, how much it tells them, and whether
/// it is one of the acts that are blocked whatever the cmdlet was called that sent it.
enum WireFindings {
    /// The most that a read tells a host that is no service's own: its path and query, and its header fields.
    static let mostInRead = (target: 2_048, headers: 4_096)

    /// The findings about a request.
    static func of(_ request: WireRequest, _ found: RequestClassification) -> [GuardFinding] {
        [blocked(request, found), stranger(request), longRead(request, found)].compactMap(\.self)
    }

    // MARK: Who reads it

    private static func stranger(_ request: WireRequest) -> GuardFinding? {
        guard request.owner == .unknown else { return nil }
        return GuardFinding(
            rule: "unnamed-host", classes: .external,
            reason:
                "It goes to \(request.host): anybody can have such a name, and nothing of this tenant has named this one.",
            instead: "Add it to the connection's egress.allow, if it is yours.", subject: request.line,
            minimumDecision: .ask)
    }

    private static func longRead(_ request: WireRequest, _ found: RequestClassification) -> GuardFinding? {
        guard request.owner != .service, found.classes == .read else { return nil }
        let headers = request.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        let told = request.target.utf8.count
        let body = request.body.seen.count
        guard told > mostInRead.target || headers > mostInRead.headers || body > mostInRead.target else { return nil }
        return GuardFinding(
            rule: "long-read", classes: .external,
            reason: "It hands \(told + headers + body) bytes to \(request.host) with a request that only reads.",
            subject: request.line, minimumDecision: .ask)
    }

    // MARK: What is blocked

    /// Acts of the blocked list (`mm guard rules`), by the request that they come to.
    private static func blocked(_ request: WireRequest, _ found: RequestClassification) -> GuardFinding? {
        let parts = [found] + found.items.map(\.classification)
        let act = isPackage(request) ? "takes a package from a gallery" : parts.lazy.compactMap(act).first
        guard let act else { return nil }
        return GuardFinding(
            rule: "seed-blocked", classes: [.external, .privilege], kind: .blocked,
            reason: "It \(act), which is on the blocked list and never runs here.",
            instead: "A person does this with their own tools, outside of mm.", subject: request.line)
    }

    /// The packages of a gallery, which its pages and searches don't hold (NuGet's address of a package).
    private static func isPackage(_ request: WireRequest) -> Bool {
        guard request.service == nil else { return false }
        let path = request.target.prefix { $0 != "?" }
        let plain = (PercentCoding.decode(path.utf8) ?? String(path)).asciiLowercased
        let name = request.host.asciiLowercased
        return plain.contains("/api/v2/package/") || plain.hasSuffix(".nupkg")
            || packageStores.contains { name.hasPrefix($0) }
    }

    private static let packageStores = ["cdn.powershellgallery.com", "psg-prod-"]

    private static func act(_ found: RequestClassification) -> String? {
        let method = RequestMethod(written: found.method)
        guard [.post, .put, .patch, .delete].contains(method) else { return nil }
        return found.forms.lazy.compactMap { form in
            let path = form.map(\.asciiLowercased)
            return found.service == .arm ? azure(path) : nil
        }.first
    }

    /// `…/providers/Microsoft.Authorization/roleAssignments/NAME`, and the access policies of a vault.
    private static func azure(_ path: [String]) -> String? {
        if let place = path.lastIndex(of: "microsoft.authorization"),
            path.dropFirst(place + 1).first == "roleassignments"
        {
            return "changes a role assignment"
        }
        if let place = path.lastIndex(of: "vaults"), path.dropFirst(place + 2).first == "accesspolicies" {
            return "changes who may read a vault"
        }
        return nil
    }
}

/// The names of what a request works on: what a person who is asked about it looks for.
enum RequestNames {
    private static let most = 30

    /// The names in a request, each once.
    static func of(_ request: WireRequest, _ found: RequestClassification) -> [String] {
        var names: [String] = []
        func add(_ text: String) {
            let name = PercentCoding.decode(text.utf8) ?? text
            if !name.isEmpty, names.count < most, !names.contains(name) { names.append(name) }
        }
        let body = WireBody(request)
        if request.service == .exchange, case .json(let value) = body.content {
            InvokedExchangeCommand.names(in: value).forEach(add)
            return names
        }
        if let text = body.text, request.service == .sharePoint, let objects = ObjectRequest(text) {
            objects.steps.flatMap(\.names).forEach(add)
            return names
        }
        if found.items.isEmpty {
            keys(of: request).forEach(add)
            references(in: body.content).forEach(add)
        } else {
            for item in found.items {
                let url = item.line.split(separator: " ", maxSplits: 1).last.map(String.init) ?? item.line
                let inner = WireRequest(service: request.service, origin: request.origin, method: "", target: url)
                keys(of: inner).forEach(add)
                references(in: item.body).forEach(add)
            }
        }
        return names
    }

    /// The keys in an address. Azure's addresses end with the name of the thing; all others name each key where it stands.
    private static func keys(of request: WireRequest) -> [String] {
        let path = request.target.prefix { $0 != "?" }
        let segments = path.split(separator: "/").map(String.init)
        if request.service == .arm {
            guard let type = segments.lastIndex(where: { $0.asciiLowercased == "providers" }) else {
                return segments.count > 3 && segments[2].asciiLowercased == "resourcegroups" ? [segments[3]] : []
            }
            // Behind the provider stand pairs of kind and name; an action may follow.
            let rest = segments[(type + 1)...].dropFirst()
            return rest.count > 1 ? [rest[rest.startIndex + (rest.count / 2) * 2 - 1]] : []
        }
        let templates = PathTemplate.of(String(path)).split(separator: "/").map(String.init)
        guard templates.count == segments.count else { return segments.last.map { [$0] } ?? [] }
        var found: [String] = []
        for (segment, template) in zip(segments, templates) where template.contains("{") {
            if let open = segment.firstIndex(of: "("), let close = segment.lastIndex(of: ")"), open < close {
                let inner = segment[segment.index(after: open)..<close]
                found.append(String((inner.split(separator: "=").last ?? inner).filter { $0 != "'" }))
            } else {
                found.append(segment)
            }
        }
        return found
    }

    /// Who is written to, and what is linked.
    private static func references(in body: RequestBody) -> [String] {
        guard case .json(let value) = body else { return [] }
        var found: [String] = []
        collect(value, depth: 0, &found)
        return found
    }

    private static func collect(_ value: JSONValue, depth: Int, _ found: inout [String]) {
        guard depth < 16, found.count < most else { return }
        switch value {
        case .array(let items): for item in items { collect(item, depth: depth + 1, &found) }
        case .object(let members):
            for (key, member) in members {
                let name = key.asciiLowercased
                let isLink = name.hasSuffix("@odata.bind") || name.hasSuffix("@odata.id") || name == "@id"
                let texts = member.string.map { [$0] } ?? member.array?.compactMap(\.string) ?? []
                if isLink {
                    found += texts.map { text in
                        let last = text.split(separator: "/").last.map(String.init) ?? text
                        guard let open = last.firstIndex(of: "("), last.hasSuffix(")") else { return last }
                        return last[last.index(after: open)...].dropLast().filter { $0 != "'" }
                    }
                } else if addresses.contains(name) {
                    found += texts
                }
                collect(member, depth: depth + 1, &found)
            }
        default: break
        }
    }

    private static let addresses: Set<String> = [
        "address", "email", "principalid", "userprincipalname", "inviteduseremailaddress", "notificationurl",
    ]
}
