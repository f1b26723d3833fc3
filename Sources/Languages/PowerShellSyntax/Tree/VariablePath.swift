/// The path of a variable, split as the engine splits it.
package struct VariablePath: Sendable, Hashable {
    /// The whole path as written, without braces and with escapes resolved: `name`, `global:name`, `env:PATH`.
    package let path: String
    /// The scope or drive before the colon.
    package let qualifier: Qualifier
    /// The part after the scope or drive.
    package let name: String

    /// The qualifier before the name.
    package enum Qualifier: Sendable, Hashable {
        /// None: the current scope and its parents.
        case none
        /// `global:`.
        case global
        /// `local:`.
        case local
        /// `script:`.
        case script
        /// `private:`.
        case `private`
        /// `variable:`, the drive of the variables themselves.
        case variable
        /// Any other drive: `env`, `function`, `alias`, `using`, a file drive.
        case drive(String)
    }

    /// Whether the path names a variable, not an item of another drive.
    package var isVariable: Bool {
        if case .drive = qualifier { return false }
        return true
    }

    /// Whether the path names a variable of the script: of the code that is running, or of the script or session around
    /// it.
    package var isOfScript: Bool {
        switch qualifier {
        case .none, .script, .global: true
        case .local, .private, .variable, .drive: false
        }
    }

    /// The drive, if the path names an item of one.
    package var drive: String? {
        if case .drive(let drive) = qualifier { return drive }
        return nil
    }

    /// Splits a path. A known scope ends the search for a drive; otherwise the text before the first colon, unless it
    /// is the first character, is a drive.
    package init(_ path: String) {
        self.path = path
        let bytes = path.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            qualifier = .none
            name = path
            return
        }
        let head = path[path.startIndex..<colon]
        let scope: Qualifier? =
            switch head.utf8.count {
            case 6 where ASCIIFold.equal(head, "global"): .global
            case 5 where ASCIIFold.equal(head, "local"): .local
            case 6 where ASCIIFold.equal(head, "script"): .script
            case 7 where ASCIIFold.equal(head, "private"): .private
            case 8 where ASCIIFold.equal(head, "variable"): .variable
            default: nil
            }
        if let scope {
            qualifier = scope
            name = String(path[bytes.index(after: colon)...])
        } else if colon == bytes.startIndex {
            qualifier = .none
            name = String(path.dropFirst())
        } else {
            qualifier = .drive(String(head))
            name = String(path[bytes.index(after: colon)...])
        }
    }
}

/// A reference to a variable.
package final class VariableExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The variable's name, with its scope or drive.
    package let path: VariablePath
    /// Whether it is written as `@name`, whose elements become arguments of the command.
    package let isSplatted: Bool

    init(extent: SourceExtent, path: VariablePath, isSplatted: Bool) {
        self.extent = extent
        self.path = path
        self.isSplatted = isSplatted
    }
}

/// `$using:name`: a value of the caller that is sent to where the block runs.
package final class UsingExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The sent expression: a variable without the prefix, possibly with constant member and index accesses.
    package let expression: ExpressionSyntax

    init(extent: SourceExtent, expression: ExpressionSyntax) {
        self.extent = extent
        self.expression = expression
    }
}
