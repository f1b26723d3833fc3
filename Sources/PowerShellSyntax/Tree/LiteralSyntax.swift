/// A string whose value is known from the text alone.
public final class StringConstantSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The decoded value: escapes and doubled quotes are resolved. Lone surrogates read as U+FFFD.
    public let value: String
    /// How the string is written.
    public let style: StringStyle

    init(extent: SourceExtent, value: String, style: StringStyle) {
        self.extent = extent
        self.value = value
        self.style = style
    }
}

/// A string with at least one part that is evaluated when it is used.
public final class ExpandableStringSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The decoded text in which the evaluated parts still stand as they are written.
    public let value: String
    /// How the string is written: a bare word, `"…"` or `@"…"@`.
    public let style: StringStyle
    /// The evaluated parts in order: variables and `$( )` sub-expressions (which may carry member accesses
    /// only when they are re-parsed as such by the language; usually none).
    public let parts: [ExpressionSyntax]

    init(extent: SourceExtent, value: String, style: StringStyle, parts: [ExpressionSyntax]) {
        self.extent = extent
        self.value = value
        self.style = style
        self.parts = parts
    }
}

/// A number literal, or the `$true` that an attribute argument without value stands for.
public final class NumberConstantSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The literal as written.
    public let text: String
    /// Its value and type.
    public let value: NumberValue

    init(extent: SourceExtent, text: String, value: NumberValue) {
        self.extent = extent
        self.text = text
        self.value = value
    }
}

/// `@{ key = value; … }`.
public final class HashtableSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// Keys and values in order.
    public let entries: [HashtableEntrySyntax]

    init(extent: SourceExtent, entries: [HashtableEntrySyntax]) {
        self.extent = extent
        self.entries = entries
    }
}

/// One `key = value` of a hashtable.
public final class HashtableEntrySyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The key: a bare word (a ``StringConstantSyntax``) or any unary expression, which is evaluated.
    public let key: ExpressionSyntax
    /// The value: a whole statement, commands included.
    public let value: StatementSyntax

    init(extent: SourceExtent, key: ExpressionSyntax, value: StatementSyntax) {
        self.extent = extent
        self.key = key
        self.value = value
    }
}

/// `a, b, c`, or `, a` for an array of one.
public final class ArrayLiteralSyntax: Sendable {
    /// Where the node stands in the source.
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
    /// Where the node stands in the source.
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
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The type.
    public let typeName: TypeNameSyntax

    init(extent: SourceExtent, typeName: TypeNameSyntax) {
        self.extent = extent
        self.typeName = typeName
    }
}
