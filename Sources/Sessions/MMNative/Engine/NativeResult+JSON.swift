package import MMCore

extension PSValue {
    /// Returns the value as JSON for programs: members in order, dates in ISO 8601, and values nested deeper than
    /// `depth` as their text.
    /// - Parameter depth: the maximum nesting depth.
    package func json(depth: Int) -> JSONValue {
        switch self {
        case .null, .nothing: return .null
        case .bool(let flag): return .bool(flag)
        case .byte(let number): return .int(Int64(number))
        case .int(let number): return .int(Int64(number))
        case .long(let number): return .int(number)
        case .single(let number) where number.isFinite: return .double(PSText.widened(number))
        case .single(let number): return .string("\(number)")
        case .double(let number): return number.isFinite ? .double(number) : .string("\(number)")
        case .decimal(let number): return (try? JSONParser.parse(number.json)) ?? .string(text)
        case .string(let text): return .string(text)
        case .date(let date): return .string(date.json ?? date.text)
        case .list(let list): return PSValue.array(list.items).json(depth: depth)
        case .array(let items):
            guard depth >= 0 else { return .string(text) }
            return .array(items.map { $0.json(depth: depth - 1) })
        case .table(let table):
            guard depth > 0 else { return .string(text) }
            return .object(JSONObject(table.pairs.map { ($0.key, $0.value.json(depth: depth - 1)) }))
        case .object(let object):
            guard depth > 0, ![SecureText.typeName, FolderUser.typeName].contains(object.typeName), !object.isOpaque
            else { return .string(text) }
            return .object(JSONObject(zip(object.shape.names, object.values.map { $0.json(depth: depth - 1) })))
        default: return .string(text)
        }
    }

    /// Returns the value as `ConvertTo-Json` writes it.
    /// - Parameter depth: the maximum nesting depth.
    /// - Returns: `nil` if a value is nested deeper: PowerShell writes the name of its type there, which isn't known
    ///   here.
    package func convertedToJSON(depth: Int) -> JSONValue? {
        guard let json = try? JSONText(PSTable.wrappedEntry(self), depth: depth, isCompressed: true),
            !json.isTruncated
        else { return nil }
        return try? JSONParser.parse(json.text)
    }

    /// Returns the lines that display the values; `nil` where the engine can't be certain of their layout.
    /// - Parameters:
    ///   - values: the values to display.
    ///   - width: the columns that a line may take.
    ///   - isScreen: whether `width` is that of a screen, on which every line of a table has to fit.
    package static func lines(of values: [PSValue], width: Int, isScreen: Bool = false) -> [String]? {
        OutStringStage.lines(of: values, width: width, isScreen: isScreen)
    }

    /// The value's text, as string expansion would show it; of a type its name.
    package var text: String {
        if let text = try? PSText.string(self) { return text }
        return switch self {
        case .typeInfo(let name): name
        case .type(let type): NamedType.fullName(of: type) ?? typeName
        default: typeName
        }
    }
}
