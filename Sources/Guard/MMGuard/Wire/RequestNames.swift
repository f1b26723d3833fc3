internal import MMCore

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
            ExchangeCommand.names(in: value).forEach(add)
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
