/// A type as written. It is not resolved: the same text can name other types in other sessions.
public final class TypeNameSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// What is written.
    public let form: Form

    init(extent: SourceExtent, form: Form) {
        self.extent = extent
        self.form = form
    }

    /// The three ways to write a type.
    public enum Form: Sendable {
        /// A plain name and the assembly behind its comma, if any.
        case name(String, assembly: String?)
        /// `name[arguments]`; the open type has no arguments of its own.
        case generic(TypeNameSyntax, arguments: [TypeNameSyntax])
        /// `element[]`, `element[,]`; the rank counts the dimensions.
        case array(TypeNameSyntax, rank: Int)
    }

    /// The name with generic arguments, array brackets and assembly, spelled as the engine prints it.
    public var fullName: String {
        let assembly = assembly
        return assembly.map { "\(name),\($0)" } ?? name
    }

    /// The name without the assembly.
    public var name: String {
        switch form {
        case .name(let name, _): return name
        case .generic(let open, let arguments):
            return open.name + "[" + arguments.map(\.fullName).joined(separator: ",") + "]"
        case .array(let element, let rank):
            return element.name + "[" + String(repeating: ",", count: rank - 1) + "]"
        }
    }

    /// The assembly of the type or, for arrays and generic types, of the type that they are built on.
    public var assembly: String? {
        switch form {
        case .name(_, let assembly): assembly
        case .generic(let open, _): open.assembly
        case .array(let element, _): element.assembly
        }
    }
}
