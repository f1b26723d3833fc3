internal import CEndpointTables

/// The calls of Microsoft Graph with the words by which they are found, read in place from the program's data.
package struct EndpointIndex: Sendable {
    /// The shared instance.
    package static let standard = EndpointIndex()

    static let methods: [(name: String, bit: UInt8)] = [
        ("GET", 1), ("POST", 2), ("PUT", 4), ("PATCH", 8), ("DELETE", 16),
    ]
    private static let options = ["count", "expand", "filter", "orderby", "search", "select", "skip", "top", "format"]

    /// The guard, to whose tree of paths the index refers.
    package let engine = GuardEngine.standard
    let file: TableFile
    private let templates: UnsafeTable
    let templateCount: UInt32
    private let calls: UnsafeTable
    let words: SearchWordTable

    /// Creates an index over the guard's tree of paths.
    private init() {
        let table = cendpoint_calls()
        file = TableFile(table.bytes, length: table.length, magic: "MME1")
        precondition(
            UnsafeTable(file.section(9), size: 8).u64(0, 0) == engine.pathsFingerprint,
            "the tables of endpoints and of paths are made from different facts: run both programs below Tools")
        templates = UnsafeTable(file.section(1), size: 8)
        templateCount = UInt32(file.sectionLength(1) / 8)
        calls = UnsafeTable(file.section(2), size: 16)
        words = SearchWordTable(file)
    }

    /// Returns the calls of a template, in the order of methods; empty if the tables don't describe it.
    /// - Parameter counted: whether they count its objects (`/$count`), which only a GET does.
    package func calls(of template: GraphTemplate, counted: Bool = false) -> [OfferedCall] {
        guard let row = row(of: template) else { return [] }
        return methods(of: row).filter { !counted || $0.method == 1 }.map { call(row, $0.method, counted: counted) }
    }

    /// Returns whether the tables describe a template; the permission data may know more templates.
    package func describes(_ template: GraphTemplate) -> Bool { row(of: template) != nil }

    /// Returns the type that a GET of the template returns, without `[]`; `nil` if it is unknown.
    package func type(of template: GraphTemplate) -> String? {
        guard let row = row(of: template), let found = methods(of: row).first(where: { $0.method == 1 }) else {
            return nil
        }
        let type = file.string(calls.u32(found.row, 4))
        return type.isEmpty ? nil : type.hasSuffix("[]") ? String(type.dropLast(2)) : type
    }

    /// Returns the template of a row.
    func template(_ row: UInt32) -> GraphTemplate { GraphTemplate(number: templates.u32(row, 0)) }

    /// Returns the row of a template.
    func row(of template: GraphTemplate) -> UInt32? {
        var low: UInt32 = 0
        var high = templateCount
        while low < high {
            let middle = (low + high) / 2
            if templates.u32(middle, 0) < template.number { low = middle + 1 } else { high = middle }
        }
        return low < templateCount && templates.u32(low, 0) == template.number ? low : nil
    }

    /// Returns whether the template of a row exists in beta only.
    func isBetaOnly(_ row: UInt32) -> Bool { templates.u8(row, 6) & 1 != 0 }

    /// Returns the methods of a row, each with the row of its call.
    func methods(of row: UInt32) -> [(method: UInt8, row: UInt32)] {
        let first = UInt32(templates.u16(row, 4))
        return (0..<UInt32(templates.u8(row, 7))).map { (calls.u8(first + $0, 0), first + $0) }
    }

    /// Returns the call of a method that the template of a row has.
    func call(_ row: UInt32, _ method: UInt8, counted: Bool = false) -> OfferedCall {
        let place = methods(of: row).first { $0.method == method }?.row
        let name = Self.methods.first { $0.bit == method }?.name ?? "GET"
        let text = engine.text(of: template(row)) + (counted ? "/$count" : "")
        guard let place else {
            return OfferedCall(
                method: name, template: text, kind: .get, type: "", body: [], options: [], parameters: [],
                isBetaOnly: isBetaOnly(row))
        }
        let bits = calls.u16(place, 2)
        let options = Self.options.enumerated().filter { bits & (1 << UInt16($0.offset)) != 0 }.map(\.element)
        return OfferedCall(
            method: name, template: text, kind: OfferedCall.Kind(rawValue: calls.u8(place, 1)) ?? .get,
            type: counted ? "number" : file.string(calls.u32(place, 4)), body: list(calls.u32(place, 8)),
            // A number has no properties and no order.
            options: counted ? options.filter { $0 == "filter" || $0 == "search" } : options,
            parameters: list(calls.u32(place, 12)), isBetaOnly: isBetaOnly(row))
    }

    private func list(_ offset: UInt32) -> [String] {
        file.string(offset).split(separator: ",").map(String.init)
    }
}

/// A call of Microsoft Graph: a method of a path, with its body, query options and result.
package struct OfferedCall: Sendable, Hashable {
    /// The kinds of calls.
    package enum Kind: UInt8, Sendable {
        case list, get, create, update, replace, delete, action, function, delta, value, ref, post, batch
    }

    /// The method.
    package let method: String
    /// The template: `/users/{user-id}/messages`.
    package let template: String
    /// The kind of call.
    package let kind: Kind
    /// The type of the result, or of the body of a call that creates or changes something; empty if there is none or it
    /// is unknown.
    package let type: String
    /// The names in an action's body; `?` marks an optional one.
    package let body: [String]
    /// The query options in the service's description, without `$`.
    package let options: [String]
    /// Other query parameters; `!` marks a required one.
    package let parameters: [String]
    /// Whether it exists in beta only.
    package let isBetaOnly: Bool
    /// An example of the rest of the path, or of the body; empty if there is none.
    package var example = ""

    /// The path with its version; only beta is written.
    package var path: String { isBetaOnly ? "/beta" + template : template }
    /// The type of one object: without `[]`.
    package var singleType: String { type.hasSuffix("[]") ? String(type.dropLast(2)) : type }
    /// Whether the call returns several objects, and not only their number.
    package var answersMany: Bool {
        (kind == .list || kind == .delta || type.hasSuffix("[]")) && !template.hasSuffix("/$count")
    }
}
