package import MMCore

/// Checks the body of a request, before a person is asked about it and before it is sent, for properties that the type
/// of the created or changed object doesn't have.
package struct BodyCheck: Sendable {
    /// A property that the type doesn't have.
    package struct Fault: Sendable, Hashable {
        /// The name as written.
        package let name: String
        /// The type that lacks it.
        package let type: String
        /// The similar names that were probably meant.
        package let near: [String]
    }

    /// Creates a check with the tables that come with the program.
    package init() {}

    /// Returns the first wrong property of a body; `nil` if there is none, or if the tables don't suffice to tell.
    package func fault(_ method: String, _ target: RequestTarget, body: JSONObject) -> Fault? {
        // Beta has more properties than the tables describe.
        guard target.service == .graph, target.version != "beta", !body.isEmpty,
            // Some services take more parameters of actions than the description has.
            let declared = DeclaredBody(method.uppercased(), target), !declared.isAction
        else { return nil }
        // With `@odata.type` the body has the properties of the type that it names.
        guard body["@odata.type"] == nil else { return nil }
        let names = declared.namesOfAll
        let known = Set(names.map { $0.lowercased() })
        for name in body.keys {
            // Skips annotations, references by address, and extensions, whose names contain an underscore.
            guard !name.contains("@"), !name.contains("_"), !name.contains("."), !known.contains(name.lowercased())
            else {
                continue
            }
            let near = NearestNames.of(name, among: names)
            return Fault(name: name, type: declared.type.name, near: near)
        }
        return nil
    }
}
