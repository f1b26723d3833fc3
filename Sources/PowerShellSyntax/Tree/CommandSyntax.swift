/// A command: name, parameters and arguments.
public final class CommandSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// `&` or `.` before the name.
    public let invocation: InvocationOperator?
    /// Name first, then parameters and arguments in order; at least one.
    public let elements: [CommandElementSyntax]
    /// The redirections, one a stream, in order of the streams.
    public let redirections: [RedirectionSyntax]

    init(
        extent: SourceExtent,
        invocation: InvocationOperator?,
        elements: [CommandElementSyntax],
        redirections: [RedirectionSyntax]
    ) {
        self.extent = extent
        self.invocation = invocation
        self.elements = elements
        self.redirections = redirections
    }

    /// The name when it is known from the text: a bare word or a constant string in first place.
    public var constantName: String? {
        guard case .argument(.string(let name)) = elements.first else { return nil }
        return name.value
    }
}

/// A part of a command.
public enum CommandElementSyntax: Sendable {
    /// `-Name`, `-Name:value` or `--`.
    case parameter(CommandParameterSyntax)
    /// The command name, an argument or a splatted variable.
    case argument(ExpressionSyntax)

    /// Where the node stands in the source.
    @inline(never)
    public var extent: SourceExtent {
        switch self {
        case .parameter(let node): node.extent
        case .argument(let node): node.extent
        }
    }
}

/// `-Name`, `-Name:value`, or the `--` that ends parameters.
public final class CommandParameterSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The name as written without dash and colon; `-` for `--`. It may be abbreviated.
    public let name: String
    /// The value behind a colon.
    public let argument: ExpressionSyntax?
    /// Where the parameter itself stands, dash and colon included.
    public let nameExtent: SourceExtent

    init(extent: SourceExtent, name: String, argument: ExpressionSyntax?, nameExtent: SourceExtent) {
        self.extent = extent
        self.name = name
        self.argument = argument
        self.nameExtent = nameExtent
    }
}

/// A redirection.
public enum RedirectionSyntax: Sendable {
    /// Into a file.
    case file(FileRedirectionSyntax)
    /// Into another stream.
    case merging(MergingRedirectionSyntax)

    /// Where the node stands in the source.
    @inline(never)
    public var extent: SourceExtent {
        switch self {
        case .file(let node): node.extent
        case .merging(let node): node.extent
        }
    }
}

/// `n>target` or `n>>target`.
public final class FileRedirectionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The redirected stream.
    public let stream: RedirectionStream
    /// The target: any single argument, dynamic ones included.
    public let target: ExpressionSyntax
    /// Written with `>>`.
    public let isAppending: Bool

    init(extent: SourceExtent, stream: RedirectionStream, target: ExpressionSyntax, isAppending: Bool) {
        self.extent = extent
        self.stream = stream
        self.target = target
        self.isAppending = isAppending
    }
}

/// `n>&1`.
public final class MergingRedirectionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The redirected stream.
    public let from: RedirectionStream
    /// The stream that takes it: always output.
    public let to: RedirectionStream

    init(extent: SourceExtent, from: RedirectionStream, to: RedirectionStream) {
        self.extent = extent
        self.from = from
        self.to = to
    }
}

extension RedirectionSyntax {
    /// The redirected stream.
    public var stream: RedirectionStream {
        switch self {
        case .file(let file): file.stream
        case .merging(let merging): merging.from
        }
    }
}
