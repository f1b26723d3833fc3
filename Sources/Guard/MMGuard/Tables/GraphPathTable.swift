internal import CGuardTables

/// The path templates of Microsoft Graph as one tree, read in place.
struct GraphPathTable: Sendable {
    /// The kinds of templates.
    struct Kinds: OptionSet, Sendable {
        let rawValue: UInt8
        static let v1 = Kinds(rawValue: 1)
        static let beta = Kinds(rawValue: 2)
        /// `/$count` may follow; not a kind by itself.
        static let countable = Kinds(rawValue: 4)
        /// Known from the permission data only.
        static let permissionV1 = Kinds(rawValue: 8)
        static let permissionBeta = Kinds(rawValue: 16)
        static let all: Kinds = [.v1, .beta, .permissionV1, .permissionBeta]
    }

    /// A template that a path matched.
    struct Match: Sendable {
        let node: UInt32
        /// Whether `/$count` follows the template.
        let isCounted: Bool
        /// For each qualified step of the path, whether it is a cast (otherwise an operation).
        let casts: [String: Bool]
    }

    static let nodeSize = 20
    let file = TableFile(cguard_graph_paths().bytes, length: cguard_graph_paths().length, magic: "MMG2")
    let nodes: UnsafeTable
    let children: UnsafeTable

    init() {
        nodes = UnsafeTable(file.section(1), size: Self.nodeSize)
        children = UnsafeTable(file.section(2), size: 8)
    }

    /// Returns the template that these steps match.
    func match(_ steps: [PathStep], kinds: Kinds) -> Match? {
        var casts: [String: Bool] = [:]
        guard let found = walk(0, steps[...], kinds, &casts) else { return nil }
        return Match(node: found.node, isCounted: found.isCounted, casts: casts)
    }

    /// Returns the text of a template: `/users/{user-id}/messages`.
    func text(of match: Match) -> String {
        text(of: match.node) + (match.isCounted ? "/$count" : "")
    }

    /// Returns the text of the template that ends at a node.
    func text(of node: UInt32) -> String {
        var segments: [String] = []
        var node = node
        while node != 0 {
            segments.append(file.string(nodes.u32(node, 4)))
            node = nodes.u32(node, 0)
        }
        return segments.reversed().map { "/" + $0 }.joined()
    }

    /// The fingerprint by which a table that refers to templates by number shows that it belongs to this one.
    var fingerprint: UInt64 { UnsafeTable(file.section(3), size: 8).u64(0, 0) }

    func flags(_ node: UInt32) -> Kinds { Kinds(rawValue: nodes.u8(node, 18)) }

    func key(below node: UInt32) -> UInt32? {
        let key = nodes.u32(node, 12)
        return key == 0 ? nil : key
    }

    private func walk(
        _ node: UInt32, _ steps: ArraySlice<PathStep>, _ kinds: Kinds, _ casts: inout [String: Bool]
    ) -> (node: UInt32, isCounted: Bool)? {
        guard let step = steps.first else { return flags(node).isDisjoint(with: kinds) ? nil : (node, false) }
        let rest = steps.dropFirst()
        for name in spellings(of: step) {
            guard let child = child(of: node, named: name.text) else { continue }
            if let found = walk(child, rest, kinds, &casts) {
                if let isCast = name.isCast { casts[step.name] = isCast }
                return found
            }
        }
        if rest.isEmpty, step.isWord("$count"), flags(node).contains(.countable), !flags(node).isDisjoint(with: kinds) {
            return (node, true)
        }
        if let key = key(below: node), step.isKeyLike, let found = walk(key, rest, kinds, &casts) { return found }
        return nil
    }

    func spellings(of step: PathStep) -> [(text: String, isCast: Bool?)] {
        switch step.kind {
        case .key: return []
        case .word: return [(step.name, nil), (step.name + "()", nil)]
        case .call(let names):
            let call = (step.name + "(" + names.joined(separator: ",") + ")", nil as Bool?)
            return names.isEmpty ? [call, (step.name, nil)] : [call]
        case .qualified(let names):
            let full = "microsoft.graph." + step.name
            if let names, !names.isEmpty {
                let tail = "(" + names.joined(separator: ",") + ")"
                return [(full + tail, false), (step.name + tail, false)]
            }
            return [
                ("graph." + step.name, true), (full, false), (full + "()", false), (step.name, false),
                (step.name + "()", false),
            ]
        }
    }

    /// Returns the names below a node, in the order of their bytes.
    func children(of node: UInt32) -> [(name: String, node: UInt32)] {
        let first = nodes.u32(node, 8)
        return (first..<first + UInt32(nodes.u16(node, 16))).map {
            (file.string(children.u32($0, 0)), children.u32($0, 4))
        }
    }

    func child(of node: UInt32, named name: String) -> UInt32? {
        var low = nodes.u32(node, 8)
        var high = low + UInt32(nodes.u16(node, 16))
        while low < high {
            let middle = (low + high) / 2
            let order = file.compare(name, with: children.u32(middle, 0))
            if order == 0 { return children.u32(middle, 4) }
            if order < 0 { high = middle } else { low = middle + 1 }
        }
        return nil
    }
}

extension GraphPathTable {
    /// Returns the result of `look` for the first template along these steps for which it has one.
    func search<Found>(_ steps: [PathStep], look: (GraphTemplate) -> Found?) -> Found? {
        let template = chain([], steps[...]) { $0.isDisjoint(with: .all) ? nil : true }
        var found: Found?
        _ = chain([], steps[...]) { (_: Kinds, node: UInt32, path: [Bool]) -> Bool? in
            // A path with a key where the template has a literal is another call.
            if let template, zip(template, path).contains(where: { !$0 && $1 }) { return nil }
            found = look(GraphTemplate(number: node))
            return found == nil ? nil : true
        }
        return found
    }

    /// Returns, for the first path that `accepts` takes, whether each step went over a key.
    private func chain(_ taken: [Bool], _ steps: ArraySlice<PathStep>, accepts: (Kinds) -> Bool?) -> [Bool]? {
        chain(taken, steps) { kinds, _, _ in accepts(kinds) }
    }

    private func chain(
        _ taken: [Bool], _ steps: ArraySlice<PathStep>, node: UInt32 = 0,
        accepts: (Kinds, UInt32, [Bool]) -> Bool?
    ) -> [Bool]? {
        guard let step = steps.first else {
            return accepts(flags(node), node, taken) == nil ? nil : taken
        }
        for name in spellings(of: step) {
            guard let child = child(of: node, named: name.text) else { continue }
            if let found = chain(taken + [false], steps.dropFirst(), node: child, accepts: accepts) { return found }
        }
        guard let key = key(below: node), step.isKeyLike else { return nil }
        return chain(taken + [true], steps.dropFirst(), node: key, accepts: accepts)
    }
}

/// A template of Microsoft Graph by its number in the tree of paths, for other tables about Graph's calls.
package struct GraphTemplate: Sendable, Hashable {
    /// The number.
    package let number: UInt32

    /// Creates the template with a number.
    package init(number: UInt32) { self.number = number }

    /// The root of the tree.
    package static let root = GraphTemplate(number: 0)
}
