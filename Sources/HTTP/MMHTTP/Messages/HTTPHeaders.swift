/// The header fields of a message, in order. Names are compared case-insensitively (RFC 9110, section 5.1).
package struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral, Sequence, CustomStringConvertible {
    /// One field line.
    package struct Field: Sendable, Hashable {
        /// The name as written.
        package var name: String
        /// The value without surrounding whitespace.
        package var value: String

        /// Creates a field line.
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// All field lines, in the order they were added or received.
    package private(set) var fields: [Field] = []

    /// Creates an empty list of headers.
    package init() {}

    /// Creates headers from these field lines, in this order.
    package init(_ fields: [Field]) {
        self.fields = fields
    }

    /// Creates headers from a dictionary literal; a name may occur twice.
    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// Returns the value of a header, or nil if there is none; several lines are joined with a comma and a space (RFC
    /// 9110, section 5.3). Setting a value replaces all lines of that name; setting nil removes them.
    package subscript(_ name: String) -> String? {
        get {
            var found: String?
            for field in fields where Self.sameName(field.name, name) {
                if let first = found { found = first + ", " + field.value } else { found = field.value }
            }
            return found
        }
        set {
            if let newValue { set(name, newValue) } else { remove(name) }
        }
    }

    /// Returns the values of all lines with this name, in order. `Set-Cookie` must be read this way.
    package func values(for name: String) -> [String] {
        fields.filter { Self.sameName($0.name, name) }.map(\.value)
    }

    /// Returns whether there is a line with this name.
    package func contains(_ name: String) -> Bool {
        fields.contains { Self.sameName($0.name, name) }
    }

    /// Appends a line.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Replaces all lines with this name by one, at the position of the first.
    package mutating func set(_ name: String, _ value: String) {
        guard let first = fields.firstIndex(where: { Self.sameName($0.name, name) }) else {
            add(name, value)
            return
        }
        fields[first] = Field(name: name, value: value)
        let rest = fields.index(after: first)
        fields[rest...].removeAll { Self.sameName($0.name, name) }
    }

    /// Removes all lines with this name.
    package mutating func remove(_ name: String) {
        fields.removeAll { Self.sameName($0.name, name) }
    }

    /// Adds the field of a received line, or appends an obsolete folded line to the value of the last one (RFC 9112,
    /// sections 5.1 and 5.2).
    /// - Returns: `false` for a line without a colon, which holds no field.
    @discardableResult
    mutating func add(line: some BidirectionalCollection<UInt8>) -> Bool {
        if let first = line.first, Self.isBlank(first) {
            let text = Self.trimmed(line[...])
            guard let last = fields.indices.last else { return true }
            fields[last].value += fields[last].value.isEmpty ? text : " " + text
            return true
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return false }
        add(Self.trimmed(line[..<colon]), Self.trimmed(line[colon...].dropFirst()))
        return true
    }

    private static func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ bytes: Bytes) -> String
    where Bytes.SubSequence == Bytes {
        var bytes = bytes
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// The number of lines.
    package var count: Int { fields.count }

    /// Iterates over the lines in order.
    package func makeIterator() -> IndexingIterator<[Field]> {
        fields.makeIterator()
    }

    /// The names only, because values may be secret.
    package var description: String {
        "[" + fields.map(\.name).joined(separator: ", ") + "]"
    }

    /// Returns whether two names denote the same header, ignoring ASCII case.
    package static func sameName(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}

extension HTTPHeaders: Hashable {
    /// Returns whether both have the same names and values in the same order.
    package static func == (left: HTTPHeaders, right: HTTPHeaders) -> Bool {
        left.fields.count == right.fields.count
            && zip(left.fields, right.fields).allSatisfy { sameName($0.name, $1.name) && $0.value == $1.value }
    }

    /// Hashes the lower-case names and the values.
    package func hash(into hasher: inout Hasher) {
        for field in fields {
            hasher.combine(field.name.lowercased())
            hasher.combine(field.value)
        }
    }
}
