package import MMSessions

/// What it takes to run a script in a module's session.
package struct RunServices: Sendable {
    /// What a native pipeline sends, and who judges the script.
    package let requests: RequestServices
    /// The sessions.
    package let sessions: SessionPool<ModuleSessionFactory>
    /// Scripts that need no second look at their parameters' names.
    let checkedScripts: CheckedScripts
    /// What is known of scripts that ran lately.
    let readings: ScriptReadings
    /// Which files of this machine a caller reaches.
    let shells: ShellServices
}
