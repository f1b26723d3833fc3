internal import MMCore

/// The paths that a path which doesn't exist was perhaps meant to be.
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

    /// The nearest three, as paths that keep the keys which were written.
    func of(_ target: RequestTarget, method: String) -> [String] {
        let isBeta = target.version == "beta"
        let written = target.segments
        var open: [Trail] = []
        for (number, form) in engine.forms(of: target).prefix(4).enumerated() {
            open.append(Trail(node: .root, steps: form[...], text: "", cost: number))
            // What belongs to a user or a group is often asked for without saying whose.
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

    /// By the words of the path, where no path resembles it.
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
