import Synchronization

/// The properties of a class. An object of it has all of them, also those that its service didn't return.
package final class DeclaredProperties: Sendable {
    /// The names, in the order in which the class shows them.
    package let names: [String]
    private let spellings: [String: String]
    /// The shapes of whole objects, by the shape of what was returned. Both are kept, so that an identity stays theirs.
    private let shapes = Mutex<[ObjectIdentifier: (returned: PSShape, whole: PSShape)]>([:])

    /// Creates the properties of a class.
    package init(_ names: [String]) {
        self.names = names
        spellings = Dictionary(names.map { ($0.lowercased(), $0) }) { first, _ in first }
    }

    /// Returns a name as the class spells it, from any case; `nil` if the class has no such property.
    func spelling(of name: String) -> String? { spellings[name.lowercased()] }

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
    /// The object with all properties of its class, of which those that weren't returned are `$null`.
    ///
    /// Only what lists an object's properties needs it: a row of a service has few of the hundred that its class may have.
    var whole: PSObject {
        guard let declared, let shape = declared.shape(with: self.shape) else { return self }
        var object = PSObject(shape: shape, values: shape.names.map { self[$0] ?? .null }, typeName: typeName)
        (object.isCustom, object.isListable, object.isRow, object.view) = (isCustom, isListable, isRow, view)
        return object
    }
}
