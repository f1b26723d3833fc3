/// A string whose value the text alone determines.
public final class StringConstantSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The decoded value, with escapes and doubled quotes resolved. Lone surrogates become U+FFFD.
    public let value: String
    /// How the string is written.
    public let style: StringStyle

    init(extent: SourceExtent, value: String, style: StringStyle) {
        self.extent = extent
        self.value = value
        self.style = style
    }
}

/// A string with at least one part that is evaluated at run time.
public final class ExpandableStringSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The decoded text, in which the evaluated parts still appear as written.
    public let value: String
    /// How the string is written: a bare word, `"…"` or `@"…"@`.
    public let style: StringStyle
    /// The evaluated parts in order: variables and `$( )` sub-expressions. They contain member accesses only where the
    /// language parses them as such, usually none.
    public let parts: [ExpressionSyntax]

    init(extent: SourceExtent, value: String, style: StringStyle, parts: [ExpressionSyntax]) {
        self.extent = extent
        self.value = value
        self.style = style
        self.parts = parts
    }
}

/// A number literal, or the `$true` that stands for the omitted value of an attribute argument.
public final class NumberConstantSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The literal as written.
    public let text: String
    /// The literal's value and type.
    public let value: NumberValue

    init(extent: SourceExtent, text: String, value: NumberValue) {
        self.extent = extent
        self.text = text
        self.value = value
    }
}

/// `@{ key = value; … }`.
public final class HashtableSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The keys and values in order.
    public let entries: [HashtableEntrySyntax]

    init(extent: SourceExtent, entries: [HashtableEntrySyntax]) {
        self.extent = extent
        self.entries = entries
    }
}

/// A `key = value` of a hashtable.
public final class HashtableEntrySyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The key: a bare word (a ``StringConstantSyntax``) or any unary expression, which is evaluated.
    public let key: ExpressionSyntax
    /// The value: a whole statement, which may run commands.
    public let value: StatementSyntax

    init(extent: SourceExtent, key: ExpressionSyntax, value: StatementSyntax) {
        self.extent = extent
        self.key = key
        self.value = value
    }
}

/// `a, b, c`, or `, a` for an array with one element.
public final class ArrayLiteralSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The elements in order, at least one.
    public let elements: [ExpressionSyntax]

    init(extent: SourceExtent, elements: [ExpressionSyntax]) {
        self.extent = extent
        self.elements = elements
    }
}

/// A script block as a value. It is data until something invokes it.
public final class ScriptBlockExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The block.
    public let scriptBlock: ScriptBlockSyntax

    init(extent: SourceExtent, scriptBlock: ScriptBlockSyntax) {
        self.extent = extent
        self.scriptBlock = scriptBlock
    }
}

/// A type literal as a value.
public final class TypeExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The type.
    public let typeName: TypeNameSyntax

    init(extent: SourceExtent, typeName: TypeNameSyntax) {
        self.extent = extent
        self.typeName = typeName
    }
}
