/// Completes a path of Microsoft Graph while it is typed, segment by segment, from the tables.
package struct PathCompletion: Sendable {
    /// A path that can replace the typed one.
    package struct Candidate: Sendable, Hashable {
        /// The path, with the segments before the last as they were typed. It ends with a slash if more has to follow.
        package let path: String
        /// The methods of the path; empty if more has to follow.
        package let methods: [String]
    }

    private let index: EndpointIndex
    private var engine: GuardEngine { index.engine }

    /// Creates a completion with the tables that come with the program.
    package init(_ index: EndpointIndex = .standard) { self.index = index }

    /// Returns the possible completions in alphabetical order, keys first. A path that can be called and also continues
    /// is listed twice: as it is, and with a slash.
    /// - Parameter typed: the path so far.
    package func candidates(for typed: String) -> [Candidate] {
        guard typed.isEmpty || typed.hasPrefix("/"), !typed.contains("?") else { return [] }
        let cut = typed.lastIndex(of: "/") ?? typed.startIndex
        let before = String(typed[..<cut])
        let begun = typed[cut...].drop { $0 == "/" }.lowercased()
        var segments = before.split(separator: "/").map(String.init)
        let isBeta = segments.first?.lowercased() == "beta"
        if isBeta || segments.first?.lowercased() == "v1.0" { segments.removeFirst() }
        var found: [Candidate] = []
        for node in nodes(at: segments) {
            if let key = engine.key(below: node) { found += candidates("{id}", key, begun, before, isBeta) }
            for child in engine.children(of: node) {
                guard child.name.hasPrefix(begun) else { continue }
                let name = engine.text(of: child.template).split(separator: "/").last.map(String.init) ?? child.name
                found += candidates(name, child.template, begun, before, isBeta)
            }
        }
        if segments.isEmpty, "me".hasPrefix(begun) {
            for me in nodes(at: ["me"]) { found += candidates("me", me, begun, before, isBeta) }
        }
        var seen: Set<String> = []
        let keys = before + "/{id}"
        return found.filter { seen.insert($0.path).inserted }.sorted { left, right in
            let (isLeft, isRight) = (left.path.hasPrefix(keys), right.path.hasPrefix(keys))
            return isLeft == isRight ? left.path < right.path : isLeft
        }
    }

    private func candidates(
        _ name: String, _ node: GraphTemplate, _ begun: String, _ before: String, _ isBeta: Bool
    ) -> [Candidate] {
        guard name.lowercased().hasPrefix(begun) else { return [] }
        let path = before + "/" + name
        let calls = engine.isTemplate(node, inBeta: isBeta) ? index.calls(of: node) : []
        let methods = calls.filter { isBeta || !$0.isBetaOnly }.map(\.method)
        var found = methods.isEmpty ? [] : [Candidate(path: path, methods: methods)]
        if leadsOn(node, isBeta) { found.append(Candidate(path: path + "/", methods: [])) }
        return found
    }

    /// Returns whether there is a call below a node.
    private func leadsOn(_ node: GraphTemplate, _ isBeta: Bool) -> Bool {
        let below = engine.children(of: node).map(\.template) + [engine.key(below: node)].compactMap(\.self)
        return below.contains { next in
            let isCall =
                engine.isTemplate(next, inBeta: isBeta) && index.calls(of: next).contains { isBeta || !$0.isBetaOnly }
            return isCall || leadsOn(next, isBeta)
        }
    }

    /// Returns the nodes that segments lead to, in each way of writing them: `/me` is also looked up as a user's path,
    /// `/drive` as a drive's.
    private func nodes(at segments: [String]) -> [GraphTemplate] {
        var ways = [segments]
        if segments.first?.lowercased() == "me" { ways.append(["users", "{id}"] + segments.dropFirst()) }
        if segments.first?.lowercased() == "drive" { ways.append(["drives", "{id}"] + segments.dropFirst()) }
        return ways.compactMap(node(at:))
    }

    /// Splits `users('ada@contoso.com')` into a name and a key.
    private static func steps(of segment: String) -> [String] {
        guard let open = segment.firstIndex(of: "("), segment.hasSuffix("')") else { return [segment] }
        return [String(segment[..<open]), "{id}"]
    }

    private func node(at segments: [String]) -> GraphTemplate? {
        var node = GraphTemplate.root
        for segment in segments.flatMap(Self.steps) {
            let name = engine.child(of: node, at: .word(segment.lowercased()))
            guard let next = name ?? engine.key(below: node) else { return nil }
            node = next
        }
        return node
    }
}
