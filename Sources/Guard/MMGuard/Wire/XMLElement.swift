/// An element of a small, strict reader of XML.
struct XMLElement: Sendable, Hashable {
    /// The name without its prefix.
    var name: String
    /// The attributes, by their names as written.
    var attributes: [String: String] = [:]
    /// The elements within.
    var children: [XMLElement] = []
    /// The text within.
    var text = ""

    /// The one element of this name within; nil when there is none or several.
    func only(_ name: String) -> XMLElement? {
        let found = children.filter { $0.name == name }
        return found.count == 1 ? found.first : nil
    }
}
