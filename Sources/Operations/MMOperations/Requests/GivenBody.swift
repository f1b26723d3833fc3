import MMCore

/// The body of a request, as a call gives it: an object, or a list where the service takes one, as for the content of
/// OneNote's pages.
struct GivenBody: ArgumentValue {
    let value: JSONValue
    /// Whether the body contains the member `confirmed`, which models put there by mistake and the service would
    /// refuse.
    let isConfirmed: Bool

    static var kind: InputField.Kind { .objectOrList }

    static func read(_ name: String, from reader: InputReader) throws(MMError) -> GivenBody? {
        guard let given = try reader.objectOrList(name) else { return nil }
        guard var body = given.object else { return GivenBody(value: given, isConfirmed: false) }
        let word = body.remove("confirmed")
        return GivenBody(value: .object(body), isConfirmed: word == .bool(true) || word == .string("true"))
    }
}
