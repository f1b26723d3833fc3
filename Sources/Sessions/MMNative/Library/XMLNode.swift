import MMCore

/// The results of `[xml]`: a System.Xml.XmlDocument and its nodes, each an object with the members that scripts use.
///
/// A node refers to its children but not to its parent, to avoid reference cycles: scripts that read a parent are
/// handed over.
enum XMLNode {
    static let documentType = "System.Xml.XmlDocument"
    static let elementType = "System.Xml.XmlElement"
    static let attributeType = "System.Xml.XmlAttribute"
    static let textType = "System.Xml.XmlText"
    static let dataType = "System.Xml.XmlCDataSection"
    static let commentType = "System.Xml.XmlComment"
    static let declarationType = "System.Xml.XmlDeclaration"
    private static let collectionType = "System.Xml.XmlAttributeCollection"

    /// The properties that store a node's parts. Scripts can't write these names.
    private static let (nameKey, valueKey, attributesKey, childrenKey, marksKey) =
        (" name", " value", " attributes", " children", " marks")
    private static let shape = PSShape([nameKey, valueKey, attributesKey, childrenKey, marksKey])
    /// Marks of a node: it is an element that is written as `<a />` while it is empty, or one within a default
    /// namespace; or it is no child yet.
    static let (closesItself, hasNamespace, isFree): (Int32, Int32, Int32) = (1, 2, 4)

    /// Returns whether an object is a node, or the attributes of one.
    static func isNode(_ object: PSObject) -> Bool { object.typeName.hasPrefix("System.Xml.Xml") }

    /// Returns a node.
    static func made(_ type: String, _ name: String, value: String = "", marks: Int32 = 0) throws(Interrupt) -> PSObject
    {
        guard let shape else { throw .handOver("an XML node") }
        var node = PSObject(
            shape: shape,
            values: [.string(name), .string(value), parts(type), parts(type), .int(marks)], typeName: type)
        (node.isCustom, node.isListable) = (false, false)
        return node
    }

    /// Returns an empty list for a node that may have attributes and children; most nodes of a document have neither.
    private static func parts(_ type: String) -> PSValue {
        [elementType, documentType].contains(type) ? .list(PSList(.objects)) : .nothing
    }

    /// Returns the document that a text, or a list of its lines, contains.
    static func document(of value: PSValue) throws(Interrupt) -> PSValue {
        if case .object(let object) = value, object.typeName == documentType { return value }
        var lines: [String] = []
        for item in Cmdlets.list(value.plain) {
            switch item {
            case .object: throw .handOver("an object cast to XML")
            default: lines.append(try PSText.string(item))
            }
        }
        return .object(try document(of: lines.joined(separator: "\n")))
    }

    private static func document(of text: String) throws(Interrupt) -> PSObject {
        let document = try made(documentType, "#document")
        try fill(document, with: text)
        return document
    }

    private static func fill(_ document: PSObject, with text: String) throws(Interrupt) {
        var reader = XMLTextReader(text)
        guard let nodes = try reader.nodes(hasNamespace: false),
            nodes.count(where: { $0.typeName == elementType }) == 1,
            nodes.allSatisfy({ $0.typeName != textType })
        else {
            throw .statement(
                NativeError(
                    "InvalidCastToXmlDocument",
                    "Cannot convert value \"\(text.prefix(200))\" to type \"System.Xml.XmlDocument\". Error: \"The text is no "
                        + "document of XML.\""))
        }
        children(document).items = nodes.map { .object($0) }
    }

    // MARK: Parts

    static func name(_ node: PSObject) -> String { text(node, nameKey) }
    static func value(_ node: PSObject) -> String { text(node, valueKey) }

    private static func text(_ node: PSObject, _ key: String) -> String {
        if case .string(let text)? = node[key] { text } else { "" }
    }

    static func marks(_ node: PSObject) -> Int32 { if case .int(let marks)? = node[marksKey] { marks } else { 0 } }

    private static func mark(_ node: PSObject, _ marks: Int32) { _ = node.set(marksKey, .int(marks)) }

    private static func list(_ node: PSObject, _ key: String) -> PSList {
        if case .list(let list)? = node[key] { list } else { PSList(.objects) }
    }

    static func children(_ node: PSObject) -> PSList { list(node, childrenKey) }
    static func attributes(_ node: PSObject) -> PSList { list(node, attributesKey) }

    /// Returns the attributes in a collection of them; `nil` for any other value.
    static func attributes(in value: PSValue) -> [PSValue]? {
        guard case .object(let object) = value, object.typeName == collectionType else { return nil }
        return attributes(object).items
    }

    /// Returns the attribute at an index of a collection of them: a number or a name; `nil` for any other object.
    static func element(_ object: PSObject, _ index: PSValue) throws(Interrupt) -> PSValue? {
        guard let all = attributes(in: .object(object)) else { return nil }
        switch index {
        case .int(let place) where all.indices.contains(Int(place)): return all[Int(place)]
        case .string(let name):
            return nodes(attributes(object)).first { Self.name($0) == name }.map { .object($0) } ?? .null
        default: throw .handOver("an index of attributes")
        }
    }

    static func nodes(_ list: PSList) -> [PSObject] {
        list.items.compactMap { if case .object(let node) = $0 { node } else { nil } }
    }

    /// Returns the name without its prefix.
    static func localName(_ node: PSObject) -> String {
        let name = name(node)
        guard name.utf8.contains(UInt8(ascii: ":")) else { return name }
        return name.split(separator: ":").last.map(String.init) ?? name
    }

    static func innerText(_ node: PSObject) -> String {
        switch node.typeName {
        case documentType, elementType:
            nodes(children(node)).filter { $0.typeName != commentType && $0.typeName != declarationType }
                .map(innerText).joined()
        default: value(node)
        }
    }

    // MARK: Writing

    static func outerXML(_ node: PSObject) -> String {
        switch node.typeName {
        case documentType: innerXML(node)
        case elementType:
            if children(node).items.isEmpty, marks(node) & closesItself != 0 {
                "<\(name(node))\(written(attributes(node))) />"
            } else {
                "<\(name(node))\(written(attributes(node)))>\(innerXML(node))</\(name(node))>"
            }
        case attributeType: "\(name(node))=\"\(escaped(value(node), inAttribute: true))\""
        case commentType: "<!--\(value(node))-->"
        case dataType: "<![CDATA[\(value(node))]]>"
        case declarationType: "<?xml \(value(node))?>"
        default: escaped(value(node), inAttribute: false)
        }
    }

    private static func innerXML(_ node: PSObject) -> String {
        node.typeName == attributeType
            ? escaped(value(node), inAttribute: false) : nodes(children(node)).map(outerXML).joined()
    }

    private static func written(_ attributes: PSList) -> String {
        nodes(attributes).map { " " + outerXML($0) }.joined()
    }

    private static func escaped(_ text: String, inAttribute: Bool) -> String {
        guard text.utf8.contains(where: "&<>\"\n\r".utf8.contains) else { return text }
        var written = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": written += "&amp;"
            case "<": written += "&lt;"
            case ">": written += "&gt;"
            case "\"" where inAttribute: written += "&quot;"
            case "\n" where inAttribute: written += "&#xA;"
            case "\r": written += "&#xD;"
            default: written.unicodeScalars.append(scalar)
            }
        }
        return written
    }

    /// Returns an element. One without content closes itself.
    static func element(
        _ name: String, _ attributes: [(String, String)], _ children: [PSObject] = [], text: String? = nil
    ) throws(Interrupt) -> PSObject {
        let node = try made(elementType, name, marks: closesItself)
        for (name, value) in attributes {
            self.attributes(node).items.append(.object(try made(attributeType, name, value: value)))
        }
        if let text, !text.isEmpty { try setText(node, text) }
        self.children(node).items += children.map { .object($0) }
        return node
    }

    /// Returns the text of an element, on several lines.
    static func indented(_ node: PSObject) -> String { lines(node, 0) }

    /// Returns the text of a saved document: elements without text of their own are put on separate lines.
    private static func lines(_ node: PSObject, _ depth: Int) -> String {
        let inner = nodes(children(node))
        let blanks = String(repeating: "  ", count: depth)
        guard node.typeName == elementType, !inner.isEmpty,
            !inner.contains(where: { $0.typeName == textType || $0.typeName == dataType })
        else { return blanks + outerXML(node) }
        let between = inner.map { lines($0, depth + 1) + "\n" }.joined()
        return "\(blanks)<\(name(node))\(written(attributes(node)))>\n\(between)\(blanks)</\(name(node))>"
    }

    // MARK: Properties

    /// Returns a property: an attribute or child by its name, in any case, then the members that every node has; `nil`
    /// if there is none.
    static func property(_ node: PSObject, _ name: String) throws(Interrupt) -> PSValue? {
        let folded = name.lowercased()
        if node.typeName == collectionType {
            let all = nodes(attributes(node))
            if folded == "count" || folded == "length" { return .int(Int32(truncatingIfNeeded: all.count)) }
            return all.first { localName($0).lowercased() == folded }.map { .object($0) }
        }
        let found = (nodes(attributes(node)) + nodes(children(node))).filter { localName($0).lowercased() == folded }
        if found.count == 1 { return worth(found[0]) }
        if !found.isEmpty { return .array(found.map(worth)) }
        return try ownProperty(node, folded)
    }

    private static func ownProperty(_ node: PSObject, _ name: String) throws(Interrupt) -> PSValue? {
        let inner = children(node)
        switch name {
        case "innertext": return .string(innerText(node))
        case "innerxml": return .string(innerXML(node))
        case "outerxml": return .string(outerXML(node))
        case "name": return .string(self.name(node))
        case "localname": return .string(localName(node))
        case "prefix":
            let parts = self.name(node).split(separator: ":")
            return .string(parts.count == 2 ? String(parts[0]) : "")
        case "value": return [documentType, elementType].contains(node.typeName) ? .null : .string(value(node))
        case "nodetype":
            return .string(node.typeName == documentType ? "Document" : String(node.typeName.dropFirst(14)))
        case "childnodes": return .array(inner.items)
        case "haschildnodes": return .bool(!inner.items.isEmpty)
        case "hasattributes": return .bool(!attributes(node).items.isEmpty)
        case "firstchild": return inner.items.first ?? .null
        case "lastchild": return inner.items.last ?? .null
        case "isempty": return .bool(inner.items.isEmpty && marks(node) & closesItself != 0)
        case "documentelement" where node.typeName == documentType:
            return nodes(inner).first { $0.typeName == elementType }.map { .object($0) } ?? .null
        case "attributes":
            guard node.typeName == elementType else { return .null }
            return PSObject(
                [(attributesKey, .list(attributes(node)))], typeName: collectionType, isCustom: false
            ).map { .object($0) }
        case "count", "length": return .int(1)
        case "parentnode", "ownerdocument", "ownerelement", "nextsibling", "previoussibling", "namespaceuri",
            "psobject",
            "pstypenames", "psbase", "psadapted", "psextended", "schemainfo", "baseuri":
            throw .handOver("the member \(name) of an XML node")
        default: return nil
        }
    }

    /// Returns a node as a script sees it when it asks for it by name: as text if it contains only text.
    private static func worth(_ node: PSObject) -> PSValue {
        switch node.typeName {
        case attributeType, textType, dataType: return .string(value(node))
        case elementType:
            guard attributes(node).items.isEmpty else { return .object(node) }
            let inner = nodes(children(node))
            guard inner.isEmpty || inner.count == 1 && inner[0].typeName == textType else { return .object(node) }
            return .string(innerText(node))
        default: return .object(node)
        }
    }

    /// Sets a property; returns `false` if a node has no such property that can be set.
    static func set(_ node: PSObject, _ name: String, _ value: PSValue) throws(Interrupt) -> Bool {
        let text = try PSText.string(value)
        let folded = name.lowercased()
        let found = (nodes(attributes(node)) + nodes(children(node))).filter { localName($0).lowercased() == folded }
        switch (folded, found.count) {
        case ("innertext", 0): try setText(node, text)
        case ("innerxml", 0):
            var reader = XMLTextReader(text)
            guard let nodes = try reader.nodes(hasNamespace: marks(node) & hasNamespace != 0) else { return false }
            children(node).items = nodes.map { .object($0) }
        case ("value", 0) where ![documentType, elementType].contains(node.typeName): try setText(node, text)
        case (_, 1):
            let inner = nodes(children(found[0]))
            guard inner.isEmpty || inner.count == 1 && inner[0].typeName == textType else { return false }
            try setText(found[0], text)
        default: return false
        }
        return true
    }

    private static func setText(_ node: PSObject, _ text: String) throws(Interrupt) {
        guard node.typeName == elementType else {
            _ = node.set(valueKey, .string(text))
            return
        }
        children(node).items = text.isEmpty ? [] : [.object(try made(textType, "#text", value: text))]
    }

    // MARK: Methods

    /// Calls a method; `nil` if a node has none of that name here.
    static func call(
        _ node: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        var texts: [String] = []
        for argument in arguments {
            if case .object = argument { texts.append("") } else { texts.append(try PSText.string(argument)) }
        }
        if node.typeName == documentType, let answer = try callOfDocument(node, method, texts, arguments, evaluator) {
            return answer
        }
        switch (method, arguments.count, arguments.first) {
        case ("selectnodes", 1, _): return .array(try XMLPath(texts[0]).nodes(from: node).map { .object($0) })
        case ("selectsinglenode", 1, _):
            return try XMLPath(texts[0]).nodes(from: node).first.map { .object($0) } ?? .null
        case ("getelementsbytagname", 1, _):
            return .array(descendants(node).filter { texts[0] == "*" || name($0) == texts[0] }.map { .object($0) })
        case ("appendchild", 1, let child?), ("prependchild", 1, let child?):
            guard case .object(let inner) = child, isNode(inner), [documentType, elementType].contains(node.typeName),
                !([inner] + descendants(inner)).contains(where: { $0.identity == node.identity })
            else { throw .handOver("an unusual child of an XML node") }
            // A node that is already a child is moved. What it leaves isn't known from it, unless it is this node.
            if marks(inner) & isFree == 0 {
                guard let place = children(node).items.firstIndex(where: { isSame($0, inner) }) else {
                    throw .handOver("an XML node that leaves another one")
                }
                children(node).items.remove(at: place)
            }
            mark(inner, marks(inner) & ~isFree)
            mark(node, marks(node) & ~closesItself)
            children(node).items.insert(child, at: method == "appendchild" ? children(node).items.count : 0)
            return child
        case ("removechild", 1, .object(let inner)?):
            guard let place = children(node).items.firstIndex(where: { isSame($0, inner) }) else {
                throw .handOver("an XML node that is no child")
            }
            children(node).items.remove(at: place)
            mark(inner, marks(inner) | isFree)
            return .object(inner)
        case ("removeall", 0, _):
            children(node).items = []
            attributes(node).items = []
            return .nothing
        case ("append", 1, .object(let attribute)?) where node.typeName == collectionType,
            ("setnameditem", 1, .object(let attribute)?) where node.typeName == collectionType,
            ("setattributenode", 1, .object(let attribute)?):
            guard attribute.typeName == attributeType else { throw .handOver("an unusual attribute of an XML node") }
            let all = attributes(node)
            all.items.removeAll { if case .object(let other) = $0 { name(other) == name(attribute) } else { false } }
            all.items.append(.object(attribute))
            return .object(attribute)
        case ("getnameditem", 1, _) where node.typeName == collectionType:
            return nodes(attributes(node)).first { name($0) == texts[0] }.map { .object($0) } ?? .null
        case ("setattribute", 2, _):
            if let known = nodes(attributes(node)).first(where: { name($0) == texts[0] }) {
                _ = known.set(valueKey, .string(texts[1]))
            } else {
                attributes(node).items.append(.object(try made(attributeType, texts[0], value: texts[1])))
            }
            return .nothing
        case ("getattribute", 1, _):
            return .string(nodes(attributes(node)).first { name($0) == texts[0] }.map(value) ?? "")
        case ("hasattribute", 1, _): return .bool(nodes(attributes(node)).contains { name($0) == texts[0] })
        case ("removeattribute", 1, _):
            attributes(node).items.removeAll { if case .object(let one) = $0 { name(one) == texts[0] } else { false } }
            return .nothing
        case ("clonenode", 1, _): return .object(try freeCopy(node, isDeep: arguments[0].isTrue))
        case ("tostring", 0, _): return .string(localName(node))
        default: return nil
        }
    }

    private static func callOfDocument(
        _ node: PSObject, _ method: String, _ texts: [String], _ arguments: [PSValue], _ evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        switch (method, arguments.count) {
        case ("createelement", 1): return .object(try made(elementType, texts[0], marks: closesItself | isFree))
        case ("createattribute", 1): return .object(try made(attributeType, texts[0]))
        case ("createtextnode", 1): return .object(try made(textType, "#text", value: texts[0], marks: isFree))
        case ("createcomment", 1):
            return .object(try made(commentType, "#comment", value: texts[0], marks: isFree))
        case ("importnode", 2):
            guard case .object(let other) = arguments[0], isNode(other) else { return nil }
            return .object(try freeCopy(other, isDeep: arguments[1].isTrue))
        case ("loadxml", 1):
            try fill(node, with: texts[0])
            return .nothing
        case ("load", 1):
            guard let host = evaluator.host, let bytes = host.read(texts[0]) else {
                throw .handOver("a document that is no file of the run")
            }
            try fill(node, with: String(decoding: bytes, as: UTF8.self))
            return .nothing
        case ("save", 1):
            guard let host = evaluator.host else { throw .handOver("a document that is saved") }
            let text = nodes(children(node)).map { lines($0, 0) }.joined(separator: "\n")
            try host.write(Array(text.utf8), to: texts[0], isAppending: false)
            return .nothing
        default: return nil
        }
    }

    private static func isSame(_ value: PSValue, _ node: PSObject) -> Bool {
        if case .object(let other) = value { other.identity == node.identity } else { false }
    }

    /// Returns a copy that is no child.
    private static func freeCopy(_ node: PSObject, isDeep: Bool) throws(Interrupt) -> PSObject {
        let made = try copy(node, isDeep: isDeep)
        mark(made, marks(made) | isFree)
        return made
    }

    private static func copy(_ node: PSObject, isDeep: Bool) throws(Interrupt) -> PSObject {
        let made = try made(node.typeName, name(node), value: value(node), marks: marks(node) & ~isFree)
        for attribute in nodes(attributes(node)) {
            attributes(made).items.append(.object(try copy(attribute, isDeep: true)))
        }
        guard isDeep else { return made }
        for child in nodes(children(node)) { children(made).items.append(.object(try copy(child, isDeep: true))) }
        return made
    }

    /// Returns the elements below a node, in document order.
    static func descendants(_ node: PSObject) -> [PSObject] {
        nodes(children(node)).filter { $0.typeName == elementType }.flatMap { [$0] + descendants($0) }
    }
}

/// Reads XML: elements, attributes, texts and comments. Declarations and processing instructions are handed over.
struct XMLTextReader {
    private let units: [UInt8]
    private var place = 0
    /// Whether white space that is all of an element's content is a text.
    var keepsBlanks = false

    init(_ text: String) { units = Array(text.utf8.drop { $0 == 0xEF || $0 == 0xBB || $0 == 0xBF }) }

    /// Reads the nodes up to the end of the text, or of the surrounding element; `nil` if the text isn't XML.
    mutating func nodes(hasNamespace: Bool, within name: String? = nil) throws(Interrupt) -> [PSObject]? {
        var found: [PSObject] = []
        while place < units.count {
            if units[place] != UInt8(ascii: "<") {
                let start = place
                while place < units.count, units[place] != UInt8(ascii: "<") { place += 1 }
                let raw = units[start..<place]
                // White space between elements forms no nodes.
                if raw.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) {
                    guard keepsBlanks, found.isEmpty, units[place...].starts(with: "</".utf8) else { continue }
                }
                guard let text = Self.read(raw) else { return nil }
                found.append(try XMLNode.made(XMLNode.textType, "#text", value: text))
            } else if taken("</") {
                guard let name, taken(name) else { return nil }
                skipBlanks()
                return taken(">") ? found : nil
            } else if taken("<!--") {
                guard let text = text(to: "-->") else { return nil }
                found.append(try XMLNode.made(XMLNode.commentType, "#comment", value: text))
            } else if taken("<![CDATA[") {
                guard let text = text(to: "]]>") else { return nil }
                found.append(try XMLNode.made(XMLNode.dataType, "#cdata-section", value: text))
            } else if taken("<?xml ") {
                guard found.isEmpty, name == nil, let text = text(to: "?>") else { return nil }
                found.append(try XMLNode.made(XMLNode.declarationType, "xml", value: text))
            } else if taken("<!") || taken("<?") {
                throw .handOver("XML with a grammar or instructions of its own")
            } else {
                place += 1
                guard let element = try element(hasNamespace: hasNamespace) else { return nil }
                found.append(element)
            }
        }
        return name == nil ? found : nil
    }

    private mutating func element(hasNamespace: Bool) throws(Interrupt) -> PSObject? {
        guard let name = word() else { return nil }
        var attributes: [(String, String)] = []
        while true {
            skipBlanks()
            if taken("/>") {
                return try made(name, attributes, hasNamespace, inner: nil)
            }
            if taken(">") { break }
            guard let key = word() else { return nil }
            skipBlanks()
            guard taken("=") else { return nil }
            skipBlanks()
            guard place < units.count, [UInt8(ascii: "\""), UInt8(ascii: "'")].contains(units[place]) else {
                return nil
            }
            let quote = units[place]
            place += 1
            let start = place
            while place < units.count, units[place] != quote, units[place] != UInt8(ascii: "<") { place += 1 }
            guard place < units.count, units[place] == quote, let text = Self.read(units[start..<place]),
                !attributes.contains(where: { $0.0 == key })
            else { return nil }
            place += 1
            attributes.append((key, text))
        }
        let isNamed = attributes.first { $0.0 == "xmlns" }.map { !$0.1.isEmpty } ?? hasNamespace
        guard let inner = try nodes(hasNamespace: isNamed, within: name) else { return nil }
        return try made(name, attributes, isNamed, inner: inner)
    }

    private func made(
        _ name: String, _ attributes: [(String, String)], _ hasNamespace: Bool, inner: [PSObject]?
    ) throws(Interrupt) -> PSObject {
        let isNamed = attributes.first { $0.0 == "xmlns" }.map { !$0.1.isEmpty } ?? hasNamespace
        let marks = (inner == nil ? XMLNode.closesItself : 0) | (isNamed ? XMLNode.hasNamespace : 0)
        let node = try XMLNode.made(XMLNode.elementType, name, marks: marks)
        for (key, text) in attributes {
            XMLNode.attributes(node).items.append(.object(try XMLNode.made(XMLNode.attributeType, key, value: text)))
        }
        XMLNode.children(node).items = (inner ?? []).map { .object($0) }
        return node
    }

    /// Skips a text at the current position; returns `false` if there is another one.
    private mutating func taken(_ text: String) -> Bool {
        var next = place
        for unit in text.utf8 {
            guard next < units.count, units[next] == unit else { return false }
            next += 1
        }
        place = next
        return true
    }

    private mutating func skipBlanks() {
        while place < units.count, units[place] == 0x20 || (0x09...0x0D).contains(units[place]) { place += 1 }
    }

    /// What ends the name of an element or attribute.
    private static let ends = Array(" \t\r\n/>=<\"'".utf8)

    private mutating func word() -> String? {
        let start = place
        let ends = Self.ends
        while place < units.count, !ends.contains(units[place]) { place += 1 }
        return place > start ? String(decoding: units[start..<place], as: UTF8.self) : nil
    }

    private mutating func text(to end: String) -> String? {
        let mark = Array(end.utf8)
        let start = place
        while place + mark.count <= units.count {
            if units[place..<place + mark.count].elementsEqual(mark) {
                defer { place += mark.count }
                return String(decoding: units[start..<place], as: UTF8.self)
            }
            place += 1
        }
        return nil
    }

    private static let entities = ["lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'"]

    /// Returns a text with its references resolved; `nil` if it uses an entity that XML doesn't define.
    private static func read(_ raw: ArraySlice<UInt8>) -> String? {
        guard raw.contains(UInt8(ascii: "&")) || raw.contains(0x0D) else { return String(decoding: raw, as: UTF8.self) }
        var text = ""
        var rest = raw
        while let place = rest.firstIndex(of: UInt8(ascii: "&")) {
            text += String(decoding: rest[..<place], as: UTF8.self)
            guard let end = rest[place...].firstIndex(of: UInt8(ascii: ";")) else { return nil }
            let name = String(decoding: rest[(place + 1)..<end], as: UTF8.self)
            if let known = entities[name] {
                text += known
            } else {
                let isHex = name.hasPrefix("#x")
                guard name.hasPrefix("#"), let code = UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10),
                    let scalar = Unicode.Scalar(code)
                else { return nil }
                text.unicodeScalars.append(scalar)
            }
            rest = rest[(end + 1)...]
        }
        text += String(decoding: rest, as: UTF8.self)
        return text.contains("\r\n")
            ? text.split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "\n") : text
    }
}

/// The XPath expressions with which scripts find nodes: steps of names with conditions. Others are handed over.
struct XMLPath {
    private let steps: [Substring]
    private let isAbsolute: Bool

    init(_ path: String) throws(Interrupt) {
        var steps: [Substring] = []
        var start = path.startIndex
        var depth = 0
        for place in path.indices {
            switch path[place] {
            case "[": depth += 1
            case "]": depth -= 1
            case "/" where depth == 0:
                steps.append(path[start..<place])
                start = path.index(after: place)
            case "|" where depth == 0: throw .handOver("a choice of XML paths")
            default: break
            }
        }
        steps.append(path[start...])
        isAbsolute = path.hasPrefix("/")
        if isAbsolute { steps.removeFirst() }
        guard !path.isEmpty, !steps.contains("..") else { throw .handOver("an unusual XML path") }
        self.steps = steps
    }

    /// Returns the nodes that the path selects.
    func nodes(from node: PSObject) throws(Interrupt) -> [PSObject] {
        guard !isAbsolute || node.typeName == XMLNode.documentType else {
            throw .handOver("an XML path from the root of a node's document")
        }
        var found = [node]
        var isDeep = false
        for step in steps {
            if step.isEmpty {
                isDeep = true
                continue
            }
            var next: [PSObject] = []
            for one in found {
                let starts = isDeep ? [one] + XMLNode.descendants(one) : [one]
                for start in starts {
                    for reached in try reached(by: step, from: start)
                    where !next.contains(where: { $0.identity == reached.identity }) { next.append(reached) }
                }
            }
            (found, isDeep) = (next, false)
        }
        return found
    }

    private func reached(by step: Substring, from node: PSObject) throws(Interrupt) -> [PSObject] {
        let test = step.prefix { $0 != "[" }
        var found: [PSObject]
        let inner = XMLNode.nodes(XMLNode.children(node))
        switch test {
        case ".": found = [node]
        case "*": found = inner.filter { $0.typeName == XMLNode.elementType }
        case "text()": found = inner.filter { [XMLNode.textType, XMLNode.dataType].contains($0.typeName) }
        case "@*": found = XMLNode.nodes(XMLNode.attributes(node))
        default:
            guard !test.contains(where: { "():".contains($0) }) else { throw .handOver("an unusual XML path") }
            if test.hasPrefix("@") {
                found = XMLNode.nodes(XMLNode.attributes(node)).filter { XMLNode.name($0) == test.dropFirst() }
            } else {
                // A name without a prefix is a name in no namespace.
                found = inner.filter {
                    $0.typeName == XMLNode.elementType && XMLNode.name($0) == test
                        && XMLNode.marks($0) & XMLNode.hasNamespace == 0
                }
            }
        }
        var rest = step[test.endIndex...]
        while rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw .handOver("an unusual XML path") }
            let condition = rest[rest.index(after: rest.startIndex)..<end].filter { $0 != " " || rest.contains("'") }
            rest = rest[rest.index(after: end)...]
            if let number = Int(condition) {
                found = number > 0 && number <= found.count ? [found[number - 1]] : []
            } else if condition == "last()" {
                found = found.last.map { [$0] } ?? []
            } else {
                var kept: [PSObject] = []
                for one in found where try holds(String(condition), of: one) { kept.append(one) }
                found = kept
            }
        }
        guard rest.isEmpty else { throw .handOver("an unusual XML path") }
        return found
    }

    /// Returns whether a node has a part, or has it with a text: `[@id]`, `[name='x']`, `[contains(@id, 'x')]`.
    private func holds(_ condition: String, of node: PSObject) throws(Interrupt) -> Bool {
        for (call, isBeginning) in [("contains(", false), ("starts-with(", true)] where condition.hasPrefix(call) {
            let inner = condition.dropFirst(call.count).dropLast()
            guard let comma = inner.firstIndex(of: ","), condition.hasSuffix(")"),
                let wanted = Self.quoted(inner[inner.index(after: comma)...])
            else { throw .handOver("an unusual XML path") }
            let texts = try parts(String(inner[..<comma]), of: node)
            let text = texts.first ?? ""
            return wanted.isEmpty || (isBeginning ? text.hasPrefix(wanted) : text.contains(wanted))
        }
        guard !condition.contains(" and "), !condition.contains(" or "), !condition.contains("not(") else {
            throw .handOver("an unusual XML path")
        }
        guard let mark = condition.firstIndex(of: "=") else { return try !parts(condition, of: node).isEmpty }
        guard let wanted = Self.quoted(condition[condition.index(after: mark)...]), condition[..<mark].last != "!"
        else {
            throw .handOver("an unusual XML path")
        }
        return try parts(String(condition[..<mark]), of: node).contains(wanted)
    }

    private func parts(_ path: String, of node: PSObject) throws(Interrupt) -> [String] {
        let path = String(path.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        return try XMLPath(path).nodes(from: node).map(XMLNode.innerText)
    }

    private static func quoted(_ text: Substring) -> String? {
        let text = text.drop { $0 == " " }
        guard text.count >= 2, let quote = text.first, quote == "'" || quote == "\"", text.last == quote else {
            return nil
        }
        return String(text.dropFirst().dropLast())
    }
}
