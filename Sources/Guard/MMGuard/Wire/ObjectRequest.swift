import MMCore

/// A request to SharePoint's object interface (`ProcessQuery`), split into its steps.
///
/// The path of a step consists of the names of the objects from which it is reached, as in the REST interface:
/// `web/lists/getbytitle/deleteobject`.
struct ObjectRequest: Sendable, Hashable {
    /// One step that may do something.
    struct Step: Sendable, Hashable {
        /// The method: `POST` for a method call, `PATCH` for an assignment of a property.
        let method: RequestMethod
        /// The names that lead to the step, in lower case, its own name last.
        let path: [String]
        /// The texts that name the objects it works on.
        let names: [String]
    }

    /// The steps, each kind of step once.
    private(set) var steps: [Step] = []

    private static let mostSteps = 500
    private var paths: [String: XMLElement] = [:]

    /// Reads the steps of a body; nil if any part of it can't be read.
    init?(_ bytes: [UInt8]) {
        guard let root = XMLReader.read(bytes), root.name == "Request", let actions = root.only("Actions"),
            let objects = root.only("ObjectPaths"), root.children.count == 2
        else { return nil }
        for object in objects.children {
            guard let id = object.attributes["Id"], paths[id] == nil else { return nil }
            paths[id] = object
        }
        for object in objects.children {
            guard let path = path(of: object, depth: 0) else { return nil }
            switch object.name {
            case "Method", "StaticMethod": add(.post, path, object)
            case "Property", "StaticProperty", "Identity", "Constructor": break
            default: return nil
            }
        }
        guard read(actions, depth: 0), steps.count <= Self.mostSteps else { return nil }
    }

    private mutating func add(_ method: RequestMethod, _ path: [String], _ element: XMLElement) {
        let step = Step(method: method, path: path, names: Self.names(in: element) + Self.names(in: element, of: paths))
        if !steps.contains(step) { steps.append(step) }
    }

    /// Reads the actions; false if one of them is of an unknown kind.
    private mutating func read(_ actions: XMLElement, depth: Int) -> Bool {
        guard depth < 16, steps.count <= Self.mostSteps else { return false }
        for action in actions.children {
            switch action.name {
            case "ObjectPath", "ObjectIdentityQuery", "Query": continue
            case "Method", "SetProperty":
                guard let name = action.attributes["Name"], let id = action.attributes["ObjectPathId"],
                    let object = paths[id], let path = path(of: object, depth: 0)
                else { return false }
                add(action.name == "Method" ? .post : .patch, path + [name.asciiLowercased], action)
            case "StaticMethod", "SetStaticProperty":
                guard let path = path(of: action, depth: 0) else { return false }
                add(action.name == "StaticMethod" ? .post : .patch, path, action)
            case "ExceptionHandlingScope", "ExceptionHandlingScopeSimple", "ConditionalScope", "TryScope", "CatchScope",
                "FinallyScope", "IfTrueScope", "IfFalseScope":
                guard read(action, depth: depth + 1) else { return false }
            case "Test" where depth > 0: continue
            default: return false
            }
        }
        return true
    }

    /// Returns the names that lead to an object; nil if they form a circle or are missing.
    private func path(of object: XMLElement, depth: Int) -> [String]? {
        guard depth < 64 else { return nil }
        switch object.name {
        case "StaticProperty", "StaticMethod", "SetStaticProperty":
            guard let name = object.attributes["Name"], let type = object.attributes["TypeId"] else { return nil }
            return [Self.type(type), name.asciiLowercased].compactMap(\.self)
        case "Constructor":
            guard let type = object.attributes["TypeId"] else { return nil }
            return [Self.type(type) ?? "type"]
        case "Identity":
            let name = object.attributes["Name"]?.asciiLowercased ?? ""
            return [name.contains("tenant") || name.contains("siteproperties") ? "tenant" : "object"]
        default:
            guard let name = object.attributes["Name"], let id = object.attributes["ParentId"], let parent = paths[id],
                let front = path(of: parent, depth: depth + 1)
            else { return nil }
            return front + [name.asciiLowercased]
        }
    }

    /// Returns the word for a type on which the meaning of its members depends; nil for the context, the root of all
    /// objects.
    private static func type(_ id: String) -> String? {
        switch id.asciiLowercased.filter({ $0 != "{" && $0 != "}" }) {
        case "3747adcd-a3c3-41b9-bfab-4a64dd2f1e0a": nil
        case "268004ae-ef6b-4e9b-8425-127220d84719", "e45fd516-a408-4ca4-b6dc-268e2f1f0f83": "tenant"
        default: "type"
        }
    }

    /// Returns the texts among an element's parameters.
    private static func names(in element: XMLElement) -> [String] {
        var found: [String] = []
        var open = [element]
        while let next = open.popLast(), found.count < 20 {
            if next.attributes["Type"] == "String" || next.attributes["Type"] == "Guid", !next.text.isEmpty {
                found.append(next.text)
            }
            open += next.children.reversed()
        }
        return found
    }

    /// Returns the texts by which the parent objects were looked up.
    private static func names(in element: XMLElement, of paths: [String: XMLElement]) -> [String] {
        var found: [String] = []
        var next = element.attributes["ObjectPathId"] ?? element.attributes["ParentId"]
        for _ in 0..<64 {
            guard let id = next, let object = paths[id] else { break }
            found += names(in: object)
            next = object.attributes["ParentId"]
        }
        return found
    }
}

/// Reads the XML of one request: elements, attributes and text, in UTF-8.
///
/// Everything by which a text could mean something else than it shows is refused: document types, entities beyond the
/// five, processing instructions, CDATA and comments.
struct XMLReader {
    private let bytes: [UInt8]
    private var position = 0
    private var count = 0

    private static let deepest = 64
    private static let mostElements = 50_000

    /// Returns the root element; nil if the text isn't a single plain document.
    static func read(_ bytes: [UInt8]) -> XMLElement? {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = XMLReader(bytes: bytes)
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { reader.position = 3 }
        guard reader.skipDeclaration() else { return nil }
        reader.skipBlanks()
        guard let root = reader.element(depth: 0) else { return nil }
        reader.skipBlanks()
        return reader.position == bytes.count ? root : nil
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { position += 1 }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        for (index, byte) in UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount).enumerated()
        where bytes[position + index] != byte { return false }
        position = end
        return true
    }

    /// Skips the XML declaration, if there is one: it may only state the defaults.
    private mutating func skipDeclaration() -> Bool {
        skipBlanks()
        guard take("<?xml ") else { return true }
        var attributes: [String: String] = [:]
        guard readAttributes(&attributes), take("?>") else { return false }
        return attributes["encoding"].map { $0.asciiLowercased == "utf-8" } ?? true
    }

    private mutating func element(depth: Int) -> XMLElement? {
        count += 1
        guard depth < Self.deepest, count <= Self.mostElements, take("<"), let written = name() else { return nil }
        var element = XMLElement(name: Self.local(written))
        guard readAttributes(&element.attributes) else { return nil }
        if take("/>") { return element }
        guard take(">") else { return nil }
        var text: [UInt8] = []
        while let byte = next {
            if byte != UInt8(ascii: "<") {
                guard let piece = character() else { return nil }
                text += piece
                continue
            }
            if take("</") {
                guard name() == written else { return nil }
                skipBlanks()
                guard take(">") else { return nil }
                element.text = String(decoding: text, as: UTF8.self)
                return element
            }
            guard let child = self.element(depth: depth + 1) else { return nil }
            element.children.append(child)
        }
        return nil
    }

    private mutating func readAttributes(_ attributes: inout [String: String]) -> Bool {
        while true {
            let before = position
            skipBlanks()
            guard let byte = next else { return false }
            if byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") { return true }
            guard position > before || attributes.isEmpty, let name = name() else { return false }
            skipBlanks()
            guard take("=") else { return false }
            skipBlanks()
            guard let quote = next, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return false }
            position += 1
            var value: [UInt8] = []
            while let byte = next, byte != quote {
                guard byte != UInt8(ascii: "<"), let piece = character() else { return false }
                value += piece
            }
            guard next == quote, attributes[name] == nil else { return false }
            position += 1
            attributes[name] = String(decoding: value, as: UTF8.self)
        }
    }

    private mutating func name() -> String? {
        let start = position
        while let byte = next, Self.isNameByte(byte) { position += 1 }
        guard position > start, let first = bytes[start...].first,
            first > UInt8(ascii: "9") || first == UInt8(ascii: ":")
        else { return nil }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }

    private static func local(_ name: String) -> String {
        name.lastIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? name
    }

    /// Reads one character of text, with references resolved.
    private mutating func character() -> [UInt8]? {
        guard let byte = next else { return nil }
        guard byte == UInt8(ascii: "&") else {
            position += 1
            return [byte]
        }
        position += 1
        let start = position
        while let byte = next, byte != UInt8(ascii: ";"), position - start < 10 { position += 1 }
        guard next == UInt8(ascii: ";") else { return nil }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        position += 1
        switch word {
        case "amp": return [UInt8(ascii: "&")]
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default:
            let number =
                word.hasPrefix("#x")
                ? UInt32(word.dropFirst(2), radix: 16)
                : word.hasPrefix("#") ? UInt32(word.dropFirst(1)) : nil
            guard let number, number >= 0x20 || number == 9 || number == 10 || number == 13,
                let scalar = Unicode.Scalar(number)
            else { return nil }
            return Array(String(Character(scalar)).utf8)
        }
    }
}

/// An element as `XMLReader` reads it.
struct XMLElement: Sendable, Hashable {
    /// The name without its prefix.
    var name: String
    /// The attributes, by their names as written.
    var attributes: [String: String] = [:]
    /// The child elements.
    var children: [XMLElement] = []
    /// The text of the element.
    var text = ""

    /// Returns the only child element with this name; nil if there is none or there are several.
    func only(_ name: String) -> XMLElement? {
        let found = children.filter { $0.name == name }
        return found.count == 1 ? found.first : nil
    }
}
