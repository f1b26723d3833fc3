/// Every name that ends a path as an operation, or of which no more is known than that somebody may call it.
struct OperationNames: Sendable {
    /// Those of the program's tables.
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

    /// Whether it is one.
    func contains(_ name: String) -> Bool { names.contains(name) }

    private static func isOperation(_ template: GraphTemplate, _ index: EndpointIndex) -> Bool {
        let calls = index.calls(of: template)
        guard !calls.isEmpty else {
            return index.engine.isTemplate(template, inBeta: true) || index.engine.isTemplate(template, inBeta: false)
        }
        return calls.contains { [.action, .function, .delta, .post].contains($0.kind) }
    }
}
