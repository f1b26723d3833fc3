/// A System.Text.StringBuilder, with which scripts assemble their pages: the pieces of a text, joined when the text is
/// read.
enum TextBuilder {
    static let typeName = "System.Text.StringBuilder"
    /// The property that stores the pieces, under a name that no script can write.
    private static let pieces = "\u{0}pieces"

    /// Returns a builder that contains a text.
    static func made(_ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        let list = PSList(.arrayList)
        switch arguments.first {
        case nil, .int?: break
        case .string(let text)?: list.items.append(.string(text))
        default: throw .handOver("an unusual StringBuilder")
        }
        let object = PSObject([(pieces, .list(list))], typeName: typeName, isCustom: false)
        return object.map { .object($0) } ?? .null
    }

    /// Returns the text of a builder; `nil` for any other object.
    static func text(_ object: PSObject) throws(Interrupt) -> String? {
        guard object.typeName == typeName, case .list(let list)? = object[pieces] else { return nil }
        if list.items.count > 1 { list.items = [.string(try StepBound.joined(list.items.map(\.text)))] }
        return list.items.first?.text ?? ""
    }

    /// Returns a property of a builder; `nil` for other objects and names.
    static func property(_ object: PSObject, _ name: String) throws(Interrupt) -> PSValue? {
        guard name.lowercased() == "length", let text = try text(object) else { return nil }
        return .int(Int32(truncatingIfNeeded: text.utf16.count))
    }

    /// Calls a method of a builder; `nil` for other objects and names.
    static func call(_ object: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard object.typeName == typeName, case .list(let list)? = object[pieces] else { return nil }
        func replace(_ text: String) { list.items = [.string(text)] }
        switch (method, arguments.count) {
        case ("append", 1), ("appendline", 1): list.items.append(.string(try written(arguments[0])))
        case ("appendline", 0): break
        case ("appendformat", 2...):
            guard case .string(let template) = arguments[0] else { return nil }
            var items = Array(arguments.dropFirst())
            if items.count == 1, case .array(let inner) = items[0] { items = inner }
            list.items.append(.string(try TextOperators.format(template, items)))
        case ("clear", 0): list.items = []
        case ("insert", 2):
            guard case .int(0) = arguments[0] else { return nil }
            list.items.insert(.string(try written(arguments[1])), at: 0)
        case ("replace", 2):
            let changed = try Methods.call(.string(try text(object) ?? ""), "Replace", arguments)
            replace(changed.text)
        case ("tostring", 0): return .string(try text(object) ?? "")
        default: return nil
        }
        if method == "appendline" { list.items.append(.string("\n")) }
        return .object(object)
    }

    private static func written(_ value: PSValue) throws(Interrupt) -> String {
        switch value {
        case .null, .nothing: return ""
        case .double(let number): return PSText.long(number)
        case .single(let number): return PSText.long(number)
        case .string, .int, .long, .byte, .bool, .char, .decimal, .date, .guid, .span, .version, .enumeration:
            return try PSText.string(value)
        default: throw .handOver("a \(value.typeName) in a StringBuilder")
        }
    }
}
