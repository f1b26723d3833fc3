package import MMCore

/// Checks whether Graph has the path of a request, before it is sent.
///
/// Graph grows, and the tables leave out repeated paths. So a path is only reported where all possible next steps are
/// known: at the beginning, and below an object whose type is described.
package struct PathCheck: Sendable {
    /// The reason why a request can't succeed.
    package enum Fault: Sendable, Hashable {
        /// No table has the path; it is known up to `after`.
        case unknown(after: String, step: String, near: [String])
        /// The path exists in beta only.
        case betaOnly(String)
        /// The path doesn't have this method; `links` are the methods that change its links, at its `/$ref`.
        case method(template: String, methods: [String], links: [String])
    }

    private let index: EndpointIndex
    private let types: GraphTypeTable
    private var engine: GuardEngine { index.engine }

    /// Creates a check with the tables that come with the program.
    package init(_ index: EndpointIndex = .standard) {
        self.index = index
        types = .standard
    }

    /// Returns what is wrong with a request to Graph; `nil` if nothing is, or if the tables don't suffice to tell.
    package func fault(_ method: String, _ target: RequestTarget) -> Fault? {
        guard target.service == .graph, !target.segments.isEmpty else { return nil }
        let isBeta = target.version == "beta"
        let found = engine.template(of: target)
        if found.map({ !index.describes($0.template) }) ?? true, isMisspelt(target) {
            let near = NearPaths(index).of(target, method: method)
            return .unknown(after: "", step: target.segments[0], near: near)
        }
        if let found {
            return found.isCounted ? nil : methodFault(method, found.template, target)
        }
        guard let end = deadEnd(of: target, inBeta: isBeta), isDoubtful(end, inBeta: isBeta) else { return nil }
        if !isBeta, let found = engine.template(of: target.replacingVersion("beta")) {
            return .betaOnly("/beta" + engine.text(of: found.template))
        }
        let near = NearPaths(index).of(target, method: method)
        return .unknown(after: engine.text(of: end.node), step: end.step.name, near: near)
    }

    /// Returns whether a request needs a body, because the tables describe an object that it creates or refers to.
    /// Actions don't count: many take no body, and for some of those that take one it is optional.
    package func needsBody(_ method: String, _ target: RequestTarget) -> Bool {
        guard method.uppercased() == "POST", target.service == .graph, let found = engine.template(of: target),
            !found.isCounted
        else { return false }
        return index.calls(of: found.template).contains {
            $0.method == "POST" && ($0.kind == .create || $0.kind == .ref)
        }
    }

    /// Returns whether the first step is a typing error. The permission data also lists paths below such steps, as
    /// `/user/{id}/…`, which don't exist.
    private func isMisspelt(_ target: RequestTarget) -> Bool {
        // A step with another form, such as /drive, is a valid abbreviation.
        guard engine.forms(of: target).count == 1 else { return false }
        let first = target.segments[0].lowercased()
        let known = engine.children(of: .root).filter { leadsToDescribed($0.template) }.map(\.name)
        return !known.contains(first) && known.contains { NearName.isSlip(first, of: $0) }
    }

    private func leadsToDescribed(_ node: GraphTemplate) -> Bool {
        index.describes(node) || engine.key(below: node).map(leadsToDescribed) ?? false
            || engine.children(of: node).contains { leadsToDescribed($0.template) }
    }

    private func methodFault(_ method: String, _ template: GraphTemplate, _ target: RequestTarget) -> Fault? {
        let calls = index.calls(of: template)
        let wanted = method.uppercased() == "HEAD" ? "GET" : method.uppercased()
        guard !calls.isEmpty, !calls.contains(where: { $0.method == wanted }) else { return nil }
        // Functions are sometimes called with POST, and the permission data has calls that the descriptions lack.
        if wanted == "POST", calls.allSatisfy({ $0.kind == .function || $0.kind == .delta }) { return nil }
        guard PermissionTable.standard.permissions(wanted, target) == nil else { return nil }
        let links = engine.children(of: template).first { $0.name == "$ref" }.map { index.calls(of: $0.template) } ?? []
        return .method(
            template: engine.text(of: template), methods: calls.map(\.method),
            links: links.map(\.method).filter { $0 != "GET" })
    }

    /// The place at which a path leaves the known tree.
    private struct DeadEnd {
        let node: GraphTemplate
        let step: GraphPathStep
        let depth: Int
    }

    private func deadEnd(of target: RequestTarget, inBeta: Bool) -> DeadEnd? {
        var best: DeadEnd?
        for form in engine.forms(of: target) {
            var furthest: (node: GraphTemplate, depth: Int) = (.root, 0)
            walk(form, .root, 0, inBeta, &furthest)
            guard furthest.depth < form.count else { continue }
            let left = form.count - furthest.depth
            if best.map({ left < $0.depth }) ?? true {
                best = DeadEnd(node: furthest.node, step: form[furthest.depth], depth: left)
            }
        }
        return best
    }

    private func walk(
        _ form: [GraphPathStep], _ node: GraphTemplate, _ depth: Int, _ inBeta: Bool,
        _ furthest: inout (node: GraphTemplate, depth: Int)
    ) {
        if depth > furthest.depth { furthest = (node, depth) }
        guard depth < form.count else { return }
        if let child = engine.child(of: node, at: form[depth]), inBeta || isInStable(child) {
            walk(form, child, depth + 1, inBeta, &furthest)
        }
        if let key = engine.key(below: node), form[depth].isKeyLike { walk(form, key, depth + 1, inBeta, &furthest) }
    }

    /// Returns whether a node belongs to v1.0, or leads to a node that does.
    private func isInStable(_ node: GraphTemplate) -> Bool {
        if engine.isTemplate(node, inBeta: false) { return true }
        if let key = engine.key(below: node), isInStable(key) { return true }
        return engine.children(of: node).contains { isInStable($0.template) }
    }

    /// Returns whether the unknown step is surely wrong at this place.
    private func isDoubtful(_ end: DeadEnd, inBeta: Bool) -> Bool {
        // Keys in parentheses, functions and casts can be written in too many ways.
        guard end.step.isWord, !end.step.name.contains("("), !end.step.name.contains(":") else { return false }
        if end.node == .root { return true }
        // $value and $count may follow any property.
        guard !end.step.name.hasPrefix("$") else { return false }
        let names = engine.children(of: end.node).map(\.name)
        let isSlip = names.contains { NearName.isSlip(end.step.name, of: $0) }
        if inBeta { return isSlip && !OperationNames.standard.contains(end.step.name) }
        guard let type = index.type(of: end.node).flatMap({ types.type(named: $0) }) else { return isSlip }
        // Only properties and operations can follow an object. If the tables leave one out here, its name occurs
        // elsewhere in them.
        let name = end.step.name
        if types.propertiesOfAll(type).contains(where: { $0.name.lowercased() == name }) { return false }
        if type.isOpen, name.contains("_") { return false }
        return !OperationNames.standard.contains(name)
    }
}

/// The names of all operations that can end a path, and of all callable last steps without a description.
struct OperationNames: Sendable {
    /// The names in the program's tables.
    static let standard = OperationNames(.standard)

    private let names: Set<String>

    private init(_ index: EndpointIndex) {
        var names: Set<String> = []
        var open: [GraphTemplate] = [.root]
        while let node = open.popLast() {
            for child in index.engine.children(of: node) {
                if Self.isOperation(child.template, index) {
                    names.insert(child.name.split(separator: "(").first.map(String.init) ?? child.name)
                }
                open.append(child.template)
            }
            if let key = index.engine.key(below: node) { open.append(key) }
        }
        self.names = names
    }

    /// Returns whether a name is one of these.
    func contains(_ name: String) -> Bool { names.contains(name) }

    private static func isOperation(_ template: GraphTemplate, _ index: EndpointIndex) -> Bool {
        let calls = index.calls(of: template)
        guard !calls.isEmpty else {
            return index.engine.isTemplate(template, inBeta: true) || index.engine.isTemplate(template, inBeta: false)
        }
        return calls.contains { [.action, .function, .delta, .post].contains($0.kind) }
    }
}

/// Finds existing paths that are similar to a path that doesn't exist.
struct NearPaths {
    private let index: EndpointIndex
    private var engine: GuardEngine { index.engine }
    private static let (slip, prefix, foreign, missing): (Int, Int, Int, Int) = (1, 2, 4, 3)
    private static let most = 6
    private static let widest = 400

    init(_ index: EndpointIndex) {
        self.index = index
    }

    private struct Trail {
        var node: GraphTemplate
        var steps: ArraySlice<GraphPathStep>
        var text: String
        var cost: Int
    }

    /// Returns the three nearest paths, with the keys of the original path.
    func of(_ target: RequestTarget, method: String) -> [String] {
        let isBeta = target.version == "beta"
        let written = target.segments
        var open: [Trail] = []
        for (number, form) in engine.forms(of: target).prefix(4).enumerated() {
            open.append(Trail(node: .root, steps: form[...], text: "", cost: number))
            // Paths below a user, group, site or team are often written without the owner.
            for owner in ["users", "groups", "sites", "teams"] {
                guard let node = engine.child(of: .root, at: .word(owner)), let key = engine.key(below: node) else {
                    continue
                }
                let text = owner == "users" ? "/me" : "/\(owner)/{id}"
                open.append(Trail(node: key, steps: form[...], text: text, cost: Self.prefix + number))
            }
        }
        var ends: [(text: String, cost: Int)] = []
        var rounds = 0
        while rounds < Self.widest, let next = open.indices.min(by: { open[$0].cost < open[$1].cost }) {
            let trail = open.remove(at: next)
            rounds += 1
            guard let step = trail.steps.first else {
                guard engine.isTemplate(trail.node, inBeta: isBeta), index.describes(trail.node) else { continue }
                ends.append((trail.text, trail.cost + (has(method, trail.node) ? 0 : 1)))
                continue
            }
            let rest = trail.steps.dropFirst()
            if let key = engine.key(below: trail.node), step.isKeyLike {
                let spelled = written.first { $0.lowercased() == step.name } ?? step.name
                let shown = spelled.hasPrefix("{") ? "{id}" : spelled
                open.append(Trail(node: key, steps: rest, text: trail.text + "/" + shown, cost: trail.cost))
            }
            for child in engine.children(of: trail.node) {
                guard let cost = cost(of: step, as: child.name), trail.cost + cost <= Self.most else { continue }
                let name = engine.text(of: child.template).split(separator: "/").last.map(String.init) ?? child.name
                open.append(
                    Trail(node: child.template, steps: rest, text: trail.text + "/" + name, cost: trail.cost + cost))
            }
        }
        var shown: Set<String> = []
        let sorted = ends.sorted { ($0.cost, $0.text.count, $0.text) < ($1.cost, $1.text.count, $1.text) }
            .filter { shown.insert($0.text).inserted }.prefix(3).map { isBeta ? "/beta" + $0.text : $0.text }
        return sorted.isEmpty ? Array(bySearch(target, method).prefix(3)) : Array(sorted)
    }

    /// Returns paths that a search for the words of the path finds, for when no path is similar.
    private func bySearch(_ target: RequestTarget, _ method: String) -> [String] {
        let words = target.segments.joined(separator: " ")
        return EndpointSearch(index).find(words, limit: 3, method: method).map(\.call.path)
    }

    private func has(_ method: String, _ node: GraphTemplate) -> Bool {
        index.calls(of: node).contains { $0.method == method.uppercased() }
    }

    private func cost(of step: GraphPathStep, as name: String) -> Int? {
        let plain =
            name.hasPrefix("microsoft.graph.") || name.hasPrefix("graph.")
            ? String(name.split(separator: ".").last ?? "") : name
        let bare = plain.hasSuffix("()") ? String(plain.dropLast(2)) : plain
        if bare == step.name { return 0 }
        if NearName.isSlip(step.name, of: bare) { return Self.slip }
        guard min(step.name.utf8.count, bare.utf8.count) >= 4 else { return nil }
        let (short, long) = step.name.utf8.count < bare.utf8.count ? (step.name, bare) : (bare, step.name)
        if long.hasPrefix(short) || long.hasSuffix(short) { return Self.missing }
        return NearestNames.of(step.name, among: [bare]).isEmpty ? nil : Self.foreign
    }
}

/// Recognises names that are typing errors of other names.
package enum NearName {
    /// Returns whether a name is a typing error of another: one letter off, or singular instead of plural and the
    /// reverse.
    package static func isSlip(_ written: String, of known: String) -> Bool {
        var (left, right) = (written.lowercased(), known.lowercased())
        if left == right || WordForm.stem(left) == WordForm.stem(right) { return true }
        guard min(left.utf8.count, right.utf8.count) >= 4 else { return false }
        return left.withUTF8 { left in right.withUTF8 { OneEdit.joins(UnsafeRawBufferPointer(left), $0) } }
    }
}
