/// A string whose value the text alone determines.
package final class StringConstantSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The decoded value, with escapes and doubled quotes resolved. Lone surrogates become U+FFFD.
    package let value: String

    init(extent: SourceExtent, value: String) {
        self.extent = extent
        self.value = value
    }
}

/// A string with at least one part that is evaluated at run time.
package final class ExpandableStringSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The decoded text, in which the evaluated parts still appear as written.
    package let value: String
    /// How the string is written: a bare word, `"…"` or `@"…"@`.
    package let style: StringStyle
    /// The evaluated parts in order: variables and `$( )` sub-expressions. They contain member accesses only where the
    /// language parses them as such, usually none.
    package let parts: [ExpressionSyntax]
    /// Where each part stands in ``value``, in UTF-16 units.
    package let places: [Range<Int>]

    init(
        extent: SourceExtent, value: String, style: StringStyle, parts: [ExpressionSyntax], places: [Range<Int>]
    ) {
        self.extent = extent
        self.value = value
        self.style = style
        self.parts = parts
        self.places = places
    }
}

/// A number literal, or the `$true` that stands for the omitted value of an attribute argument.
package final class NumberConstantSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The literal as written.
    package let text: String
    /// The literal's value and type.
    package let value: NumberValue

    init(extent: SourceExtent, text: String, value: NumberValue) {
        self.extent = extent
        self.text = text
        self.value = value
    }
}

/// `@{ key = value; … }`.
package final class HashtableSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The keys and values in order.
    package let entries: [HashtableEntrySyntax]

    init(extent: SourceExtent, entries: [HashtableEntrySyntax]) {
        self.extent = extent
        self.entries = entries
    }
}

/// A `key = value` of a hashtable.
package final class HashtableEntrySyntax: Sendable {
    /// The key: a bare word (a ``StringConstantSyntax``) or any unary expression, which is evaluated.
    package let key: ExpressionSyntax
    /// The value: a whole statement, which may run commands.
    package let value: StatementSyntax

    init(key: ExpressionSyntax, value: StatementSyntax) {
        self.key = key
        self.value = value
    }
}

/// `a, b, c`, or `, a` for an array with one element.
package final class ArrayLiteralSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The elements in order, at least one.
    package let elements: [ExpressionSyntax]

    init(extent: SourceExtent, elements: [ExpressionSyntax]) {
        self.extent = extent
        self.elements = elements
    }
}

/// A script block as a value. It is data until something invokes it.
package final class ScriptBlockExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The block.
    package let scriptBlock: ScriptBlockSyntax

    init(extent: SourceExtent, scriptBlock: ScriptBlockSyntax) {
        self.extent = extent
        self.scriptBlock = scriptBlock
    }
}

/// A type literal as a value.
package final class TypeExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The type.
    package let typeName: TypeNameSyntax

    init(extent: SourceExtent, typeName: TypeNameSyntax) {
        self.extent = extent
        self.typeName = typeName
    }
}
