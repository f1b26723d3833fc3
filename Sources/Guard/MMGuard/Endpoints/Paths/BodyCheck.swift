package import MMCore

/// Looks at the body of a request before it is sent, and before a person is asked about it: names that what is made or changed
/// there doesn't have.
package struct BodyCheck: Sendable {
    /// A name that is wrong.
    package struct Fault: Sendable, Hashable {
        /// The name as written.
        package let name: String
        /// The type that lacks it.
        package let type: String
        /// The names that were perhaps meant.
        package let near: [String]
    }

    private let index: EndpointIndex
    private let types: GraphTypeTable

    /// A check by the tables that come with the program.
    package init(_ index: EndpointIndex = .standard) {
        self.index = index
        types = .standard
    }

    /// What is wrong with a body; `nil` when nothing is, or nobody can know.
    package func fault(_ method: String, _ target: RequestTarget, body: JSONObject) -> Fault? {
        // Beta has more properties than are described here.
        guard target.service == .graph, target.version != "beta", !body.isEmpty,
            let found = index.engine.template(of: target), !found.isCounted,
            let call = index.calls(of: found.template).first(where: { $0.method == method.uppercased() }),
            call.kind == .create || call.kind == .update, let type = types.type(named: Self.single(call.type))
        else { return nil }
        // What says its own type has that one's properties.
        guard body["@odata.type"] == nil else { return nil }
        let names = types.propertiesOfAll(type).map(\.name)
        let known = Set(names.map { $0.lowercased() })
        for name in body.keys {
            // Annotations, references by address, and extensions, which are named with an underscore.
            guard !name.contains("@"), !name.contains("_"), !name.contains("."), !known.contains(name.lowercased())
            else {
                continue
            }
            let near = NearestNames.of(name, among: names)
            return Fault(name: name, type: type.name, near: near)
        }
        return nil
    }

    private static func single(_ type: String) -> String { type.hasSuffix("[]") ? String(type.dropLast(2)) : type }
}
