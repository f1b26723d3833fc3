/// A type name as written. It is not resolved: the same text can name different types in different sessions.
package final class TypeNameSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The form of the name.
    package let form: Form

    init(extent: SourceExtent, form: Form) {
        self.extent = extent
        self.form = form
    }

    /// The three forms of a type name.
    package enum Form: Sendable {
        /// A plain name with the assembly after its comma, if any.
        case name(String, assembly: String?)
        /// `name[arguments]`; the open type itself has no arguments.
        case generic(TypeNameSyntax, arguments: [TypeNameSyntax])
        /// `element[]`, `element[,]`; the rank is the number of dimensions.
        case array(TypeNameSyntax, rank: Int)
    }

    /// The name with generic arguments, array brackets and assembly, as the engine prints it.
    package var fullName: String {
        let assembly = assembly
        return assembly.map { "\(name),\($0)" } ?? name
    }

    /// The name without the assembly.
    package var name: String {
        switch form {
        case .name(let name, _): return name
        case .generic(let open, let arguments):
            return open.name + "[" + arguments.map(\.fullName).joined(separator: ",") + "]"
        case .array(let element, let rank):
            return element.name + "[" + String(repeating: ",", count: rank - 1) + "]"
        }
    }

    /// The assembly of the type; for arrays and generic types, that of their element or open type.
    package var assembly: String? {
        switch form {
        case .name(_, let assembly): assembly
        case .generic(let open, _): open.assembly
        case .array(let element, _): element.assembly
        }
    }
}
