import MMCore

/// The effect of a request that a session sends to the proxy.
package struct RequestIntent: Sendable, Hashable {
    /// The request.
    package let request: WireRequest
    /// The classes of its effect.
    package let classes: GuardClassSet
    /// The kind of request, without the names of objects: the template of its path, or the name of its cmdlet.
    package let template: String
    /// The names of the objects that it works on.
    package let targets: [String]
    /// The guard's findings.
    package let findings: [GuardFinding]
    /// The messages that it sends to people.
    let previews: [SendPreview]
    /// The digest of the request; a retry has the same.
    package let digest: String

    /// Whether it only reads.
    package var isRead: Bool { classes == .read && findings.allSatisfy { $0.kind == .classified } }

    /// Whether its effect is unknown: no table knows it, or it can't be read.
    var isUnclear: Bool { findings.contains { $0.kind == .unknown || $0.kind == .dynamic } }

    /// A text that is equal for requests of the same kind: method, service, template and classes.
    package var kind: String {
        "\(request.method.uppercased()) \(request.service?.rawValue ?? request.origin) \(template) \(classes.rawValue)"
    }

    /// Returns the intent with further findings, which the request itself doesn't show.
    package func adding(_ found: [GuardFinding]) -> RequestIntent {
        let own = found.reduce(into: classes) { $0.formUnion($1.classes) }
        return RequestIntent(
            request: request, classes: own.subtracting(own == .read ? [] : .read), template: template, targets: targets,
            findings: findings + found, previews: previews, digest: request.digest)
    }

    /// The cmdlet and the group to which it adds members, if it is such a cmdlet of Exchange; the group is `nil` if it
    /// can't be read. The request doesn't show what the group's members may do.
    package var widenedGroup: (cmdlet: String, group: String?)? {
        guard request.service == .exchange, case .json(let value) = WireBody(request).content,
            let cmdlet = InvokedExchangeCommand.name(in: value),
            MemberCmdlets.adds(cmdlet)
        else { return nil }
        return (cmdlet, InvokedExchangeCommand.identity(in: value))
    }

    /// Returns a policy's verdict on it.
    package func verdict(_ policy: GuardPolicy) -> Verdict {
        Verdict(findings: findings, policy: policy, previews: previews)
    }
}

extension GuardEngine {
    /// Returns the effect of a request that a session sends to the proxy.
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

/// Findings about a request besides its effect at the service: who can read it, how much data it hands over, and
/// whether it is an action of the blocked list, whatever cmdlet sent it.
enum WireFindings {
    /// The maximum number of bytes that a read may hand to a host that doesn't belong to a service: in path and query,
    /// and in its header fields.
    static let mostInRead = (target: 2_048, headers: 4_096)

    /// Returns the findings about a request.
    static func of(_ request: WireRequest, _ found: RequestClassification) -> [GuardFinding] {
        [blocked(request, found), stranger(request), longRead(request, found)].compactMap(\.self)
    }

    // MARK: Recipients

    private static func stranger(_ request: WireRequest) -> GuardFinding? {
        guard request.owner == .unknown else { return nil }
        return GuardFinding(
            rule: "unnamed-host", classes: .external,
            reason:
                "It goes to \(request.host): anybody can register such a name, and this tenant has not named it.",
            instead: "If the host is yours, add it to the connection's egress.allow.", subject: request.line,
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
            reason: "A request that only reads would send \(told + headers + body) bytes to \(request.host).",
            subject: request.line, minimumDecision: .ask)
    }

    // MARK: Blocked actions

    /// Returns the finding for an action of the blocked list (`mm guard rules`), recognised by its request.
    private static func blocked(_ request: WireRequest, _ found: RequestClassification) -> GuardFinding? {
        let parts = [found] + found.items.map(\.classification)
        let act = isPackage(request) ? "downloads a package from a gallery" : parts.lazy.compactMap(act).first
        guard let act else { return nil }
        return GuardFinding(
            rule: "seed-blocked", classes: [.external, .privilege], kind: .blocked,
            reason: "It \(act), which is on the blocked list and always denied.",
            instead: "A person must do this with their own tools, outside mm.", subject: request.line)
    }

    /// Returns whether a request downloads a package from a gallery, rather than a page or a search (by NuGet's
    /// addresses of packages).
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

    /// Returns the blocked action at an address of Azure: `…/providers/Microsoft.Authorization/roleAssignments/NAME`,
    /// and the access policies of a vault.
    private static func azure(_ path: [String]) -> String? {
        if let place = path.lastIndex(of: "microsoft.authorization"),
            path.dropFirst(place + 1).first == "roleassignments"
        {
            return "changes a role assignment"
        }
        if let place = path.lastIndex(of: "vaults"), path.dropFirst(place + 2).first == "accesspolicies" {
            return "changes access to a key vault"
        }
        return nil
    }
}

/// Finds the names of the objects that a request works on, which a person who confirms it looks for.
enum RequestNames {
    private static let most = 30

    /// Returns the names in a request, each once.
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

    /// Returns the keys in an address. An address of Azure ends with the name of the object; other addresses have keys
    /// at several places.
    private static func keys(of request: WireRequest) -> [String] {
        let path = request.target.prefix { $0 != "?" }
        let segments = path.split(separator: "/").map(String.init)
        if request.service == .arm {
            guard let type = segments.lastIndex(where: { $0.asciiLowercased == "providers" }) else {
                return segments.count > 3 && segments[2].asciiLowercased == "resourcegroups" ? [segments[3]] : []
            }
            // After the provider, kinds and names alternate; an action may follow.
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

    /// Returns the recipients and the linked objects in a body.
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
