/// The property names of objects with the same layout, shared between the rows of one answer.
package final class PSShape: Sendable {
    /// The names in display order.
    package let names: [String]
    private let places: [String: Int]

    /// Creates a shape; `nil` when two names differ only in case, which custom objects don't allow.
    package init?(_ names: [String]) {
        self.names = names
        var places: [String: Int] = [:]
        places.reserveCapacity(names.count)
        for (place, name) in names.enumerated() {
            guard places.updateValue(place, forKey: name.lowercased()) == nil else { return nil }
        }
        for (place, name) in names.enumerated() { places[name] = place }
        self.places = places
    }

    /// Returns the index of a property, ignoring case.
    package func place(of name: String) -> Int? {
        places[name] ?? places[name.lowercased()]
    }
}

/// An object with ordered properties. Copies share their properties, as references to an object do in PowerShell.
package struct PSObject: Sendable {
    /// The contents that copies of an object share.
    ///
    /// `@unchecked Sendable`: only the thread that evaluates a session's script changes an object, and a session runs
    /// one script at a time; what leaves a run is only read.
    private final class Contents: @unchecked Sendable {
        var shape: PSShape
        var values: [PSValue]
        /// The script methods, by lower-case name.
        var methods: [String: PSBlock] = [:]
        /// The properties that are computed from the others, by lower-case name.
        var computed: [String: AddedMember.Computed] = [:]
        /// The class, if a script declares it.
        var ownClass: OwnClass?
        /// The columns of the table whose row it is.
        var columns: PSList?
        /// The layout that the object stands for.
        var formatted: FormattedBlock?
        /// The properties that listings leave out, by lower-case name.
        var hidden: [String: PSValue] = [:]
        /// The properties whose value is a list that only holds texts, by lower-case name.
        var texts: Set<String> = []
        /// The properties whose value is a list that a block put out, by lower-case name.
        var outputs: Set<String> = []

        init(_ shape: PSShape, _ values: [PSValue]) {
            self.shape = shape
            self.values = values
        }

        init(_ other: Contents) {
            (shape, values, methods, computed) = (other.shape, other.values, other.methods, other.computed)
            (ownClass, columns, formatted) = (other.ownClass, other.columns, other.formatted)
            (hidden, texts, outputs) = (other.hidden, other.texts, other.outputs)
        }

        deinit {
            var values = hidden.isEmpty ? values : values + hidden.values
            (self.values, hidden) = ([], [:])
            HeldValues.release(&values)
        }
    }

    private var contents: Contents
    /// The first of the object's type names.
    package var typeName: String
    /// Whether this is a custom object, which has a text of its own and shows `$null` for missing properties.
    package var isCustom: Bool
    /// Whether all properties and their order are certain, so that `*` and JSON may list them.
    package var isListable = true
    /// Whether this is a row of a service, or part of one: sizes among its properties are ordered by bytes.
    package var isRow = false
    /// The default columns for displaying the object.
    package var view: CmdletView?
    /// The properties of its class, where the object has only those that its service returned.
    package var declared: DeclaredProperties?
    /// The full name of the class of a module whose objects these are, which is their text; `nil` for custom objects
    /// proper.
    package var model: String?
    /// The names of the properties.
    package var shape: PSShape { contents.shape }
    /// The values, one per name.
    package var values: [PSValue] { contents.values }

    /// The type name of a plain custom object.
    package static let customType = "System.Management.Automation.PSCustomObject"

    /// The type names of the results of path and file commands.
    static let pathType = "System.Management.Automation.PathInfo"
    static let fileType = "System.IO.FileInfo"
    static let lineType = "Microsoft.PowerShell.Commands.MatchInfo"
    /// The property with the text of a matching line, under a name that no script can write.
    static let lineText = "\u{0}text"
    static let folderType = "System.IO.DirectoryInfo"

    /// Creates an object; `nil` when two names differ only in case.
    ///
    /// - Parameter isListable: whether `pairs` are all members of the object; by default they are for a custom object,
    ///   and not for another one.
    package init?(
        _ pairs: [(String, PSValue)], typeName: String = PSObject.customType, isCustom: Bool = true,
        isListable: Bool? = nil
    ) {
        guard let shape = PSShape(pairs.map(\.0)) else { return nil }
        self.init(shape: shape, values: pairs.map(\.1), typeName: typeName)
        self.isCustom = isCustom
        self.isListable = isListable ?? isCustom
    }

    /// Creates the custom object of a table, in which the text `PSTypeName` names the object's type
    /// (about_PSCustomObject); `nil` when two names differ only in case.
    init?(customOf table: PSTable) {
        var pairs = table.pairs
        var typeName = PSObject.customType
        if case .string(let name)? = table["PSTypeName"] {
            typeName = name
            pairs.removeAll { $0.0.lowercased() == "pstypename" }
        }
        self.init(pairs, typeName: typeName)
    }

    /// Creates an object of a known shape, with as many values as the shape has names.
    package init(shape: PSShape, values: [PSValue], typeName: String = PSObject.customType) {
        contents = Contents(shape, values)
        self.typeName = typeName
        self.isCustom = true
    }

    /// The value of a property, ignoring case; `nil` when there is none.
    package subscript(name: String) -> PSValue? {
        if let place = contents.shape.place(of: name) { return contents.values[place] }
        return contents.hidden.isEmpty ? nil : contents.hidden[name.lowercased()]
    }

    /// The class of the object, if a script declares it.
    var ownClass: OwnClass? { contents.ownClass }
    /// The properties that are computed from the others, by lower-case name.
    var computed: [String: AddedMember.Computed] { contents.computed }
    /// Whether it has members with code.
    var hasCode: Bool { !contents.computed.isEmpty || !contents.methods.isEmpty }
    /// Whether it has properties that listings leave out.
    var hasHidden: Bool { !contents.hidden.isEmpty }
    /// The layout that the object stands for; `nil` for any other object.
    var formatted: FormattedBlock? {
        get { contents.formatted }
        nonmutating set { contents.formatted = newValue }
    }

    /// The columns of the table whose row it is; `nil` for any other object.
    var columns: PSList? {
        get { contents.columns }
        nonmutating set { contents.columns = newValue }
    }
    /// Whether its properties are known by their names alone: those of custom objects, and of classes that a script
    /// declares.
    var isOfScript: Bool { isCustom || contents.ownClass != nil }
    /// Whether it is known what PowerShell shows of it: its view, or all its properties.
    var isDisplayable: Bool {
        view != nil || isListable && (isOfScript || typeName.hasSuffix("MeasureInfo") || isEntry)
    }
    /// Whether it is an entry of a hashtable or of a generic dictionary.
    var isEntry: Bool { typeName == PSTable.entryType || typeName == PSTable.pairType }

    /// Whether what is stored here aren't the properties of .NET's object, but what the engine keeps in their place.
    var isOpaque: Bool { !isCustom && (XMLNode.isNode(self) || shape.names.contains { $0.utf8.first == 0 }) }

    /// Makes this an object of a class that a script declares.
    func takeClass(_ type: OwnClass, hidden: [(String, PSValue)]) {
        contents.ownClass = type
        for (name, value) in hidden { contents.hidden[name.lowercased()] = value }
    }

    /// The identity that the object shares with its copies.
    var identity: ObjectIdentifier { ObjectIdentifier(contents) }

    /// Sets a property; returns `false` if there is none of that name.
    func set(_ name: String, _ value: PSValue) -> Bool {
        guard let place = contents.shape.place(of: name) else {
            guard contents.hidden[name.lowercased()] != nil else {
                return declared?.spelling(of: name).map { add($0, value) } ?? false
            }
            contents.hidden[name.lowercased()] = value
            return true
        }
        contents.values[place] = value
        forgetList(name)
        return true
    }

    /// Returns the name of the type of a property whose value is an array, or a list.
    func arrayType(of name: String) -> String {
        if case .list(let list)? = self[name] { return list.typeName }
        return isOfTexts(name) ? "System.String[]" : "System.Object[]"
    }

    /// Returns the text that files get for a property whose value is an array, or a list: the name of its type, but its
    /// elements if a block put them out.
    func listText(of name: String) throws(Interrupt) -> String {
        guard isOutput(name), let value = self[name] else { return arrayType(of: name) }
        return try PSText.string(value)
    }

    /// Whether a block put out the list of a property.
    func isOutput(_ name: String) -> Bool { contents.outputs.contains(name.lowercased()) }

    /// Notes that a property's list was put out by a block.
    func noteOutput(_ name: String) { contents.outputs.insert(name.lowercased()) }

    private func forgetList(_ name: String) {
        contents.texts.remove(name.lowercased())
        contents.outputs.remove(name.lowercased())
    }

    private func isOfTexts(_ name: String) -> Bool {
        declared?.isOfTexts(name) ?? false || contents.texts.contains(name.lowercased())
    }

    /// Notes which properties are copies of another object's whose lists only hold texts, or were put out by a block.
    /// - Parameter copied: the names of the copies; `nil` for all.
    func takeLists(of other: PSObject, _ copied: Set<String>? = nil) {
        guard other.declared != nil || !other.contents.texts.isEmpty || !other.contents.outputs.isEmpty else { return }
        for (name, value) in zip(shape.names, values) {
            guard case .array = value, copied?.contains(name) ?? true else { continue }
            if other.isOfTexts(name) { contents.texts.insert(name.lowercased()) }
            if other.isOutput(name) { noteOutput(name) }
        }
    }

    /// Adds a property; returns `false` if there already is one of that name.
    func add(_ name: String, _ value: PSValue) -> Bool {
        guard contents.shape.place(of: name) == nil, let shape = PSShape(contents.shape.names + [name]) else {
            return false
        }
        contents.shape = shape
        contents.values.append(value)
        return true
    }

    /// Returns the script method with a lower-case name.
    func method(_ name: String) -> PSBlock? { contents.methods.isEmpty ? nil : contents.methods[name] }

    /// Adds a script method; returns `false` if there already is a member of that name.
    func add(method name: String, _ block: PSBlock) -> Bool {
        guard contents.shape.place(of: name) == nil, contents.methods[name.lowercased()] == nil else { return false }
        contents.methods[name.lowercased()] = block
        return true
    }

    /// Notes how a property is computed.
    func compute(_ name: String, _ way: AddedMember.Computed) { contents.computed[name.lowercased()] = way }

    /// Returns a separate object with the same members.
    func copy() -> PSObject {
        var copy = self
        copy.contents = Contents(contents)
        return copy
    }

    /// Replaces each value by another one.
    func replaceValues(_ change: (PSValue) -> PSValue) {
        contents.values = contents.values.map(change)
        contents.hidden = contents.hidden.mapValues(change)
    }

    /// Removes a property, if it exists.
    func remove(_ name: String) {
        guard let place = contents.shape.place(of: name) else { return }
        var names = contents.shape.names
        names.remove(at: place)
        guard let shape = PSShape(names) else { return }
        contents.shape = shape
        contents.values.remove(at: place)
        forgetList(name)
    }
}
