import Synchronization

/// The properties of a class. An object of it has all of them, also those that its service didn't return.
package final class DeclaredProperties: Sendable {
    /// The names, in the order in which the class shows them.
    package let names: [String]
    private let spellings: [String: String]
    /// The classes of those whose values are objects, by their names in lower case.
    private let objects: [String: String]
    /// The full name of the class of such a value, and its own properties.
    private let classOf: @Sendable (String) -> (model: String, inner: DeclaredProperties?)
    /// Those whose values are lists of texts, by their names in lower case.
    private let texts: Set<String>
    /// Receives the name of each property that a script reads of an object without it.
    private let missed: (@Sendable (String) -> Void)?
    /// The shapes of whole objects, by the shape of what was returned. Both are kept, so that an identity stays theirs.
    private let shapes = Mutex<[ObjectIdentifier: (returned: PSShape, whole: PSShape)]>([:])

    /// Creates the properties of a class.
    /// - Parameter objects: those whose value is always an object, and an empty one where the service returned none,
    ///   each with its class.
    /// - Parameter texts: those whose value is a list of texts.
    /// - Parameter missed: receives the name of each property that a script reads of an object to which the service
    ///   returned none, so that it is empty.
    /// - Parameter classOf: returns the full name of such a class, and its properties.
    package init(
        _ names: [String], objects: [String: String], texts: [String],
        missed: (@Sendable (String) -> Void)? = nil,
        classOf: @escaping @Sendable (String) -> (model: String, inner: DeclaredProperties?) = { ($0, nil) }
    ) {
        self.names = names
        self.classOf = classOf
        self.missed = missed
        self.texts = Set(texts.map { $0.lowercased() })
        self.objects = Dictionary(objects.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
        spellings = Dictionary(names.map { ($0.lowercased(), $0) }) { first, _ in first }
    }

    /// Returns a name as the class spells it, from any case; `nil` if the class has no such property.
    func spelling(of name: String) -> String? { spellings[name.lowercased()] }

    /// Returns whether the value of a property is a list of texts.
    func isOfTexts(_ name: String) -> Bool { texts.contains(name.lowercased()) }

    /// Tells that a script reads a property of an object without it.
    fileprivate func miss(_ name: String) {
        if let missed, let spelling = spelling(of: name) { missed(spelling) }
    }

    private static let emptyShape = PSShape([])

    /// Returns the empty object of a property whose value is always an object; `nil` for any other.
    fileprivate func emptyObject(_ name: String) -> PSValue? {
        guard let type = objects[name.lowercased()], let shape = Self.emptyShape else { return nil }
        var object = PSObject(shape: shape, values: [])
        (object.model, object.declared) = classOf(type)
        return .object(object)
    }

    /// Returns the shape of a whole object: the names of the class, and behind them what else the object has.
    fileprivate func shape(with returned: PSShape) -> PSShape? {
        shapes.withLock { shapes in
            if let known = shapes[ObjectIdentifier(returned)] { return known.whole }
            let more = returned.names.filter { spellings[$0.lowercased()] == nil }
            guard let whole = PSShape(names + more) else { return nil }
            shapes[ObjectIdentifier(returned)] = (returned, whole)
            return whole
        }
    }
}

extension PSObject {
    /// The value of a property as a script reads it, ignoring case; `nil` when there is none.
    ///
    /// The classes of Graph's modules make an object at the first look at such a property, so that it is never `$null`.
    func read(_ name: String) -> PSValue? {
        let own = self[name]
        if own == nil { declared?.miss(name) }
        return listed(name, own)
    }

    /// The value of a property where all properties are listed; `nil` when there is none.
    func listed(_ name: String) -> PSValue? { listed(name, self[name]) }

    private func listed(_ name: String, _ own: PSValue?) -> PSValue? {
        guard own?.isNull ?? true, let empty = declared?.emptyObject(name) else { return own }
        return empty
    }

    /// The object with all properties of its class, of which those that weren't returned are empty.
    ///
    /// Only what lists an object's properties needs it: a row of a service has few of the hundred that its class may
    /// have.
    var whole: PSObject {
        guard let declared, let shape = declared.shape(with: self.shape) else { return self }
        var object = PSObject(shape: shape, values: shape.names.map { listed($0) ?? .null }, typeName: typeName)
        (object.isCustom, object.isListable, object.isRow, object.view) = (isCustom, isListable, isRow, view)
        object.model = model
        object.takeLists(of: self)
        return object
    }
}
