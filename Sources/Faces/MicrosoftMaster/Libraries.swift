// One import for all libraries except `MMFoundation`, which would also import Foundation.
@_exported public import MMCore
@_exported public import MMGraph
@_exported public import MMGuard
@_exported public import MMIdentity
@_exported public import MMMCP
@_exported public import MMOperations
@_exported public import MMPool
@_exported public import MMPowerShell
@_exported public import MMSessions
@_exported public import MMShell
