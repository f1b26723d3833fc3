/// The PowerShell constructs behind which a script can hide what it runs. Each requires at least confirmation.
///
/// The judge only allows code that it knows to be harmless; these rules name the rest, for the person who confirms it.
enum ConstructRule: String, Sendable, CaseIterable {
    case unparsed
    case tooLong = "too-long"
    case tooDeep = "too-deep"
    case hiddenCharacters = "hidden-characters"
    case dynamicName = "dynamic-name"
    case callBlock = "call-block"
    case scriptFile = "script-file"
    case scopedName = "scoped-name"
    case wildcardName = "wildcard-name"
    case foreignModule = "foreign-module"
    case outsideCommand = "outside-command"
    case verbatim
    case functionDefinition = "function-definition"
    case typeDefinition = "type-definition"
    case trap
    case dataSection = "data-section"
    case namedBlock = "named-block"
    case parameterBlock = "parameter-block"
    case usingStatement = "using-statement"
    case requires
    case backgroundJob = "background-job"
    case exitStatement = "exit"
    case loop
    case switchStatement = "switch"
    case catchType = "catch-type"
    case variableTarget = "variable-target"
    case automaticVariable = "automatic-variable"
    case driveVariable = "drive-variable"
    case scopedVariable = "scoped-variable"
    case splat
    case usingVariable = "using-variable"
    case scriptBlock = "script-block"
    case computedMember = "computed-member"
    case methodCall = "method-call"
    case staticMember = "static-member"
    case typeName = "type-name"
    case attribute
    case operatorUse = "operator"
    case hashKey = "hash-key"
    case redirection
    case localPath = "local-path"
    case parameterName = "parameter-name"
    case unknownParameter = "unknown-parameter"
    case variableParameter = "variable-parameter"
    case preferenceValue = "preference-value"
    case jobParameter = "job-parameter"
    case memberForm = "member-form"
    case filterArgument = "filter-argument"
    case moduleSwitch = "module-switch"
    case requestAddress = "request-address"
    case networkParameter = "network-parameter"
    case otherSession = "other-session"
    case secretProperty = "secret-property"

    /// The reason for asking.
    var reason: String {
        switch self {
        case .unparsed: "PowerShell can't run this text, or may read it differently"
        case .tooLong: "the script is too long to be judged"
        case .tooDeep: "the script nests too deeply to be judged"
        case .hiddenCharacters: "the script contains invisible characters"
        case .dynamicName: "the name of the command is known only at run time"
        case .callBlock: "a block of code is called as a command, or a function runs among the script's own variables"
        case .scriptFile: "a script or program is run by its path"
        case .scopedName: "a name with a scope or drive may refer to anything that was defined before"
        case .wildcardName: "a name with wildcards may match any program"
        case .foreignModule: "the command comes from an unknown module"
        case .outsideCommand: "this command of PowerShell can change the session or run other code"
        case .verbatim: "text after --% is passed on unparsed"
        case .functionDefinition: "a function may replace any command, now and later"
        case .typeDefinition: "a class or enum runs code at unexpected moments"
        case .trap: "a trap runs code on any error"
        case .dataSection: "a data section may run the commands that it lists"
        case .namedBlock: "named blocks run at other times"
        case .parameterBlock: "parameters with defaults and attributes run code"
        case .usingStatement: "a using statement loads modules, assemblies or types"
        case .requires: "#requires may load modules and assemblies"
        case .backgroundJob: "a background job runs in a separate session"
        case .exitStatement: "exit is given something other than a number"
        case .loop: "this loop may not end"
        case .switchStatement: "this switch runs code or reads files as conditions"
        case .catchType: "the type of an error has an unknown name"
        case .variableTarget: "the script assigns to something other than a plain variable"
        case .automaticVariable: "a variable of PowerShell itself is used in a way that can change how commands run"
        case .driveVariable: "a variable of a drive reads or writes the environment, functions, aliases or files"
        case .scopedVariable: "a variable of another scope outlives the script"
        case .splat: "the parameters come from a variable"
        case .usingVariable: "$using: belongs to code that runs elsewhere"
        case .scriptBlock: "it is unknown when a block of code runs"
        case .computedMember: "the name of a member is known only at run time"
        case .methodCall: "this method may do anything"
        case .staticMember: "this member of a .NET type may do anything"
        case .typeName: "a conversion to this type may run code"
        case .attribute: "attributes run code"
        case .operatorUse: "this operator can run code here"
        case .hashKey: "a key is computed, or a value contains code"
        case .redirection: "output is written to a file or variable"
        case .localPath: "a path may refer to the environment, to variables or outside the working folder"
        case .parameterName: "a parameter's name is written with characters that PowerShell ignores or folds"
        case .unknownParameter: "the documentation of this cmdlet has no such parameter"
        case .variableParameter: "this parameter writes a variable, which may be an automatic variable of PowerShell"
        case .preferenceValue: "this preference may stop in the debugger or wait for an answer"
        case .jobParameter: "this parameter runs the command elsewhere or later"
        case .memberForm: "ForEach-Object with a name calls the method if there is one"
        case .filterArgument: "the input of this filter may contain code"
        case .moduleSwitch: "with this parameter the command does more than read"
        case .requestAddress: "the address of the request is unknown before it runs"
        case .networkParameter: "this parameter sends the traffic elsewhere, or runs code on it"
        case .secretProperty: "this property may hold a token, a key or a password, or an object with one"
        case .otherSession: "this parameter may use another sign-in than the connection's"
        }
    }

    /// The least class of the hidden effects.
    var classes: GuardClassSet { self == .secretProperty ? .secret : .write }

    /// Whether code behind it may permanently give a name in the session another meaning.
    var givesNames: Bool {
        switch self {
        case .tooLong, .tooDeep, .dynamicName, .scriptFile, .scopedName, .wildcardName, .foreignModule, .outsideCommand,
            .functionDefinition, .typeDefinition, .usingStatement, .requires, .automaticVariable, .driveVariable,
            .computedMember, .methodCall, .staticMember, .filterArgument, .variableParameter, .memberForm, .redirection:
            true
        default: false
        }
    }

    /// What to do instead.
    var instead: String {
        switch self {
        case .unparsed: "Check quotes and brackets; write simple commands, one after the other."
        case .tooLong, .tooDeep: "Split it into several shorter scripts."
        case .hiddenCharacters: "Type the text again, without invisible characters."
        case .dynamicName, .scopedName, .wildcardName, .computedMember: "Write the full name, such as Get-Mailbox."
        case .callBlock: "Write its commands directly, or call the function by its name alone."
        case .scriptFile: "Put the commands directly into the call."
        case .foreignModule: "Leave out the module name."
        case .outsideCommand: "Use the cmdlets of the connected module and PowerShell's filter cmdlets."
        case .functionDefinition, .typeDefinition: "Write the steps in order, without function definitions."
        case .trap: "Use try and catch."
        case .splat: "Write the parameters in full: -Name value."
        case .exitStatement: "Use a number with exit."
        case .loop: "Use foreach over a list."
        case .variableTarget, .automaticVariable, .driveVariable, .scopedVariable:
            "Use a plain variable such as $result."
        case .scriptBlock, .filterArgument: "Write the block where it is used: Where-Object { … }."
        case .memberForm: "Use ForEach-Object { $_.Name } or Select-Object -ExpandProperty Name."
        case .redirection, .localPath:
            "Return the result as output, or write to a plain file name such as list.csv."
        case .parameterName: "Write the parameter in plain letters."
        case .unknownParameter: "Check the parameter's name with Get-Help."
        case .requestAddress: "Write method and path as constants."
        case .secretProperty:
            "Select only the harmless properties that you need, such as Name, Id or Exception.Message."
        default: "Leave it out."
        }
    }
}
