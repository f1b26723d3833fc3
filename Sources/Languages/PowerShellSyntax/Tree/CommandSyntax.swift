/// A command: name, parameters and arguments.
public final class CommandSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// `&` or `.` before the name.
    public let invocation: InvocationOperator?
    /// The name followed by parameters and arguments in order; at least one element.
    public let elements: [CommandElementSyntax]
    /// The redirections, at most one per stream, in the order of the streams.
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

    /// The name if the text alone determines it: a bare word or a constant string in first place.
    public var constantName: String? {
        guard case .argument(.string(let name)) = elements.first else { return nil }
        return name.value
    }
}

/// An element of a command.
public enum CommandElementSyntax: Sendable {
    /// `-Name`, `-Name:value` or `--`.
    case parameter(CommandParameterSyntax)
    /// The command name, an argument or a splatted variable.
    case argument(ExpressionSyntax)

    /// The node's extent in the source.
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
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The name as written, without its dash and colon; `-` for `--`. It may be abbreviated.
    public let name: String
    /// The value after the colon.
    public let argument: ExpressionSyntax?
    /// The extent of the parameter itself, including its dash and colon.
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
    /// To a file.
    case file(FileRedirectionSyntax)
    /// To another stream.
    case merging(MergingRedirectionSyntax)

    /// The node's extent in the source.
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
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The redirected stream.
    public let stream: RedirectionStream
    /// The target: any single argument, which may be dynamic.
    public let target: ExpressionSyntax
    /// Whether it is written with `>>`.
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
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The redirected stream.
    public let from: RedirectionStream
    /// The stream that receives it, always the output stream.
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
