/// The types that exist in every session of PowerShell 7.6, for rules that depend on a type.
///
/// The list doesn't have to be complete: where a rule needs a type that is missing here, the text is rejected.
enum KnownTypes {
    private static let enumBases: Set<String> = [
        "byte", "sbyte", "short", "int16", "ushort", "uint16", "int", "int32", "uint", "uint32", "long", "int64",
        "ulong", "uint64",
    ]

    /// The types that a `data` section may name: the simple types of .NET.
    private static let simple: Set<String> = enumBases.union([
        "bool", "boolean", "char", "single", "float", "double", "decimal", "datetime", "string", "dbnull",
    ])

    /// Returns the name in lower case without a leading `System.`; `nil` for generic, array and assembly-qualified
    /// types.
    static func plainName(_ type: TypeNameSyntax) -> String? {
        guard case .name(let name, nil) = type.form else { return nil }
        let lower = ASCIIFold.lowercased(name)
        return lower.hasPrefix("system.") ? String(lower.dropFirst(7)) : lower
    }

    /// Returns whether a type is an integer type that can underlie an enumeration.
    static func isEnumBase(_ type: TypeNameSyntax) -> Bool {
        plainName(type).map { enumBases.contains($0) } ?? false
    }

    /// Returns whether a type is a simple type or an array of one.
    static func isSimple(_ type: TypeNameSyntax) -> Bool {
        if case .array(let element, _) = type.form { return plainName(element).map { simple.contains($0) } ?? false }
        return plainName(type).map { simple.contains($0) } ?? false
    }

    /// Returns whether a type is `void`.
    static func isVoid(_ type: TypeNameSyntax) -> Bool { plainName(type) == "void" }

    /// Returns whether a type is `ref`.
    static func isReference(_ type: TypeNameSyntax) -> Bool {
        let name = plainName(type)
        return name == "ref" || name == "management.automation.psreference" || name == "psreference"
    }

    /// Returns whether a type is `ordered`, to which only hashtable literals can be cast.
    static func isOrdered(_ type: TypeNameSyntax) -> Bool { ASCIIFold.equal(type.fullName, "ordered") }

    /// Type accelerators: short names that denote a type by themselves.
    private static let accelerators = Set(
        """
        array bool byte char datetime decimal double float single guid hashtable int int32 short int16 long int64 \
        ciminstance cimclass cimtype cimconverter ipendpoint nullstring objectsecurity ordered physicaladdress \
        pscredential pslistmodifier psobject pscustomobject psprimitivedictionary ref regex sbyte string switch \
        cultureinfo bigint securestring timespan ushort uint16 uint uint32 ulong uint64 uri version void ipaddress \
        wildcardpattern x509certificate x500distinguishedname xml cimsession mailaddress semver scriptblock \
        pspropertyexpression psvariable type psmoduleinfo powershell runspacefactory runspace initialsessionstate \
        psscriptmethod psscriptproperty psnoteproperty psaliasproperty psvariableproperty experimentalfeature \
        experimentaction
        """.split(separator: " ").map(String.init))

    /// Attributes, by short name, that are allowed on properties of classes and accept only constants.
    static let propertyAttributes: Set<String> = [
        "alias", "allowemptycollection", "allowemptystring", "allownull", "parameter", "supportswildcards",
        "validatecount", "validatelength", "validatenotnull", "validatenotnullorempty",
        "validatenotnullorwhitespace", "validatepattern", "validaterange", "validateset", "dscproperty",
    ]

    /// An attribute with the constant arguments that it accepts: the number of positional ones, and the names of the
    /// others.
    typealias AttributeForm = (name: String, positional: ClosedRange<Int>, named: Set<String>)

    /// Attributes that are allowed on enumerations.
    static let enumAttributes: [AttributeForm] = [
        ("flags", 0...0, []), ("obsolete", 0...2, ["diagnosticid", "urlformat"]),
    ]

    /// Attributes that are allowed on classes.
    static let classAttributes: [AttributeForm] = [
        ("norunspaceaffinity", 0...0, []), ("serializable", 0...0, []),
        ("obsolete", 0...2, ["diagnosticid", "urlformat"]),
        ("cmdlet", 2...2, commandNames.union(["supportstransactions"])), ("cmdletbinding", 0...0, commandNames),
    ]

    private static let commandNames: Set<String> = [
        "confirmimpact", "defaultparametersetname", "helpuri", "positionalbinding", "remotingcapability",
        "supportspaging", "supportsshouldprocess",
    ]

    /// Attributes that are allowed in scripts, and in script blocks inside classes.
    static let attributes: Set<String> = propertyAttributes.union([
        "argumentcompleter", "argumentcompletions", "cmdletbinding", "experimental", "outputtype", "psdefaultvalue",
        "pstypename", "validatedrive", "validatescript", "validatetrusteddata", "validateuserdrive",
        "diagnostics.codeanalysis.suppressmessage", "diagnostics.codeanalysis.suppressmessageattribute",
    ])

    /// Returns whether a name in a class refers to an existing type.
    /// - Parameters:
    ///   - name: the name as written, without generic arguments.
    ///   - arity: the number of generic arguments.
    ///   - namespaces: the namespaces of `using namespace` statements.
    static func contains(_ name: String, arity: Int, namespaces: [String]) -> Bool {
        let lower = ASCIIFold.lowercased(name)
        if arity == 0, accelerators.contains(lower) { return true }
        let suffix = arity > 0 && !lower.contains("`") ? "`\(arity)" : ""
        let types = FrameworkTypes.names
        if types.contains(lower + suffix) || types.contains("system." + lower + suffix) { return true }
        return namespaces.contains { types.contains(ASCIIFold.lowercased($0) + "." + lower + suffix) }
    }

    /// Returns whether the first exception type equals or is a base of the second, as far as both are known. Types
    /// without known bases count as derived from `Exception`.
    static func catches(_ first: TypeNameSyntax, _ second: TypeNameSyntax) -> Bool {
        guard let upper = plainName(first), let lower = plainName(second) else {
            return ASCIIFold.equal(first.fullName, second.fullName)
        }
        if upper == lower { return true }
        if upper == "exception" { return true }
        return FrameworkTypes.exceptionBases[lower].map { $0.contains(upper) } ?? false
    }
}

/// Public types of .NET and of the engine that scripts commonly name, in lower case with their namespaces.
enum FrameworkTypes {
    /// The full names; those of generic types end with the number of their arguments.
    static let names: Set<String> = {
        var names: Set<String> = []
        names.reserveCapacity(1200)
        for line in listing.utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            guard let namespace = words.first else { continue }
            for word in words.dropFirst() {
                let bytes = namespace.map(ASCIIFold.lower) + [UInt8(ascii: ".")] + word.map(ASCIIFold.lower)
                names.insert(String(decoding: bytes, as: UTF8.self))
            }
        }
        return names
    }()

    /// The base exceptions of each exception, without `System.`; `Exception` itself is left out.
    static let exceptionBases: [String: Set<String>] = {
        var parents: [String: String] = [:]
        for line in exceptions.split(separator: "\n") {
            let words = line.split(separator: " ").map { ASCIIFold.lowercased($0) }
            guard let parent = words.first else { continue }
            for child in words.dropFirst() { parents[child] = parent }
        }
        var bases: [String: Set<String>] = [:]
        for child in parents.keys {
            var above: Set<String> = []
            var name = child
            while let parent = parents[name] {
                above.insert(parent)
                name = parent
            }
            bases[child] = above
        }
        return bases
    }()

    private static let listing = """
        System Object String Boolean Byte SByte Char Int16 UInt16 Int32 UInt32 Int64 UInt64 Single Double Decimal DateTime DateTimeOffset DateOnly TimeOnly TimeSpan TimeZoneInfo Guid Uri UriBuilder UriKind Version Void Array Enum Exception Math Random Convert Environment Console ConsoleColor ConsoleKey ConsoleKeyInfo Type Activator Attribute Delegate EventArgs EventHandler GC IntPtr UIntPtr Nullable`1 Tuple Tuple`1 Tuple`2 Tuple`3 Tuple`4 ValueTuple ValueTuple`2 ValueTuple`3 Lazy`1 Action Action`1 Action`2 Action`3 Func`1 Func`2 Func`3 Func`4 Predicate`1 Comparison`1 IComparable IComparable`1 IEquatable`1 IDisposable IAsyncDisposable ICloneable IConvertible IFormattable IFormatProvider StringComparison StringComparer StringSplitOptions DayOfWeek DateTimeKind Buffer BitConverter Index Range AppDomain WeakReference OperatingSystem PlatformID Progress`1 IProgress`1 DBNull MarshalByRefObject ValueType Half Int128 UInt128 FormattableString MidpointRounding FlagsAttribute SerializableAttribute ObsoleteAttribute ArgumentException ArgumentNullException ArgumentOutOfRangeException ArithmeticException DivideByZeroException OverflowException FormatException IndexOutOfRangeException InvalidCastException InvalidOperationException NotImplementedException NotSupportedException NullReferenceException ObjectDisposedException OperationCanceledException OutOfMemoryException PlatformNotSupportedException RankException SystemException ApplicationException TimeoutException TypeInitializationException TypeLoadException UnauthorizedAccessException UriFormatException AggregateException StackOverflowException MissingMemberException MissingMethodException MissingFieldException MemberAccessException FieldAccessException EntryPointNotFoundException BadImageFormatException ArrayTypeMismatchException
        System.Collections ArrayList BitArray Hashtable SortedList Queue Stack IEnumerable IEnumerator ICollection IList IDictionary IDictionaryEnumerator IComparer IEqualityComparer DictionaryEntry CollectionBase DictionaryBase ReadOnlyCollectionBase CaseInsensitiveComparer Comparer
        System.Collections.Generic List`1 Dictionary`2 HashSet`1 SortedSet`1 SortedList`2 SortedDictionary`2 Queue`1 Stack`1 LinkedList`1 LinkedListNode`1 PriorityQueue`2 KeyValuePair`2 IEnumerable`1 IEnumerator`1 ICollection`1 IList`1 IDictionary`2 ISet`1 IReadOnlyList`1 IReadOnlyCollection`1 IReadOnlyDictionary`2 IComparer`1 IEqualityComparer`1 Comparer`1 EqualityComparer`1 KeyNotFoundException
        System.Collections.ObjectModel Collection`1 ReadOnlyCollection`1 ObservableCollection`1 KeyedCollection`2 ReadOnlyDictionary`2
        System.Collections.Concurrent ConcurrentDictionary`2 ConcurrentQueue`1 ConcurrentBag`1 ConcurrentStack`1 BlockingCollection`1
        System.Collections.Specialized OrderedDictionary NameValueCollection StringCollection StringDictionary ListDictionary HybridDictionary BitVector32
        System.Collections.Immutable ImmutableArray`1 ImmutableList`1 ImmutableDictionary`2 ImmutableHashSet`1
        System.ComponentModel BackgroundWorker Component INotifyPropertyChanged PropertyChangedEventArgs PropertyChangedEventHandler TypeConverter TypeDescriptor DescriptionAttribute DisplayNameAttribute Win32Exception CancelEventArgs ListSortDirection
        System.Data DataTable DataSet DataRow DataColumn DataView DataRowView CommandType ConnectionState SqlDbType DbType DataRowState IDbConnection IDbCommand IDataReader
        System.Data.Common DbConnection DbCommand DbDataReader DbParameter DbConnectionStringBuilder DbException
        System.Diagnostics Process ProcessStartInfo ProcessModule ProcessPriorityClass ProcessWindowStyle Stopwatch Trace Debug Debugger StackFrame StackTrace FileVersionInfo TraceLevel TraceEventType TextWriterTraceListener
        System.Diagnostics.CodeAnalysis SuppressMessageAttribute
        System.Drawing Point PointF Size SizeF Rectangle RectangleF Color KnownColor ColorTranslator
        System.Globalization CultureInfo DateTimeStyles NumberStyles DateTimeFormatInfo NumberFormatInfo Calendar CompareInfo CompareOptions TextInfo RegionInfo UnicodeCategory
        System.IO File FileInfo Directory DirectoryInfo Path Stream FileStream MemoryStream BufferedStream StreamReader StreamWriter StringReader StringWriter TextReader TextWriter BinaryReader BinaryWriter FileMode FileAccess FileShare FileAttributes FileOptions SearchOption SeekOrigin FileSystemInfo FileSystemWatcher FileSystemEventArgs DriveInfo DriveType IOException FileNotFoundException DirectoryNotFoundException PathTooLongException EndOfStreamException FileLoadException InvalidDataException DriveNotFoundException EnumerationOptions
        System.IO.Compression ZipFile ZipArchive ZipArchiveEntry ZipArchiveMode GZipStream DeflateStream CompressionLevel CompressionMode BrotliStream
        System.IO.Pipes NamedPipeServerStream NamedPipeClientStream PipeDirection PipeTransmissionMode PipeOptions AnonymousPipeServerStream AnonymousPipeClientStream
        System.Linq Enumerable Queryable IGrouping`2 ILookup`2 IOrderedEnumerable`1
        System.Linq.Expressions Expression
        System.Management.Automation PSObject PSCustomObject PSCredential PSCmdlet Cmdlet ScriptBlock SwitchParameter PSReference PSVariable PSModuleInfo PowerShell PSInvocationState PSInvocationStateInfo PSDataCollection`1 PSDataStreams ErrorRecord ErrorCategory ErrorCategoryInfo ErrorDetails ErrorView WarningRecord VerboseRecord DebugRecord InformationRecord InformationalRecord ProgressRecord ProgressRecordType HostInformationMessage InvocationInfo CommandInfo CmdletInfo FunctionInfo AliasInfo ApplicationInfo ExternalScriptInfo CommandTypes CommandMetadata ParameterMetadata CommandParameterInfo CommandParameterSetInfo PSMemberInfo PSPropertyInfo PSMethodInfo PSNoteProperty PSScriptProperty PSScriptMethod PSAliasProperty PSCodeMethod PSCodeProperty PSVariableProperty PSMemberTypes PSMemberInfoCollection`1 ReadOnlyPSMemberInfoCollection`1 ActionPreference ConfirmImpact SessionState SessionStateEntryVisibility EngineIntrinsics CommandInvocationIntrinsics ProviderInfo PSDriveInfo PathInfo PathIntrinsics RuntimeException RuntimeDefinedParameter RuntimeDefinedParameterDictionary IDynamicParameters CmdletInvocationException CmdletBindingAttribute ParameterAttribute AliasAttribute ValidateSetAttribute ValidateArgumentsAttribute ValidateEnumeratedArgumentsAttribute IValidateSetValuesGenerator ArgumentTransformationAttribute ValidateNotNullOrEmptyAttribute ValidateRangeAttribute ValidatePatternAttribute ValidateScriptAttribute ValidateLengthAttribute ValidateCountAttribute PSTypeConverter PSTypeName ScopedItemOptions Job Job2 JobState JobStateInfo ContainerParentJob WildcardPattern WildcardOptions PSEventArgs PSEventSubscriber PSEventManager PSEventJob CompletionResult CompletionResultType CommandCompletion IArgumentCompleter IArgumentCompleterFactory ArgumentCompleterAttribute ArgumentCompletionsAttribute PSSerializer LanguagePrimitives PSLanguageMode SemanticVersion ItemNotFoundException CommandNotFoundException MethodInvocationException MethodException ParameterBindingException PSArgumentException PSArgumentNullException PSArgumentOutOfRangeException PSInvalidOperationException PSInvalidCastException PSNotSupportedException PSNotImplementedException PSObjectDisposedException PSSecurityException ParseException IncompleteParseException PipelineStoppedException PipelineClosedException ExtendedTypeSystemException GetValueException SetValueException SessionStateException ProviderInvocationException ProviderNotFoundException DriveNotFoundException PropertyNotFoundException ActionPreferenceStopException ApplicationFailedException MetadataException ValidationMetadataException ArgumentTransformationMetadataException RemoteException TerminateException FlowControlException PSStyle OutputRendering PSTraceSource VariablePath CmdletProviderContext PSToken PSTokenType PSParser PSParseError PSDefaultValueAttribute OutputTypeAttribute HiddenAttribute NativeCommandExitException
        System.Management.Automation.Host PSHost PSHostUserInterface PSHostRawUserInterface ChoiceDescription FieldDescription Coordinates Size Rectangle BufferCell KeyInfo ReadKeyOptions PromptingException HostException
        System.Management.Automation.Internal AutomationNull CommonParameters
        System.Management.Automation.Language Parser Ast ScriptBlockAst StatementAst ExpressionAst CommandAst CommandElementAst CommandParameterAst CommandExpressionAst CommandBaseAst PipelineAst PipelineBaseAst FunctionDefinitionAst ParamBlockAst ParameterAst AttributeAst AttributeBaseAst TypeConstraintAst VariableExpressionAst StringConstantExpressionAst ConstantExpressionAst ExpandableStringExpressionAst MemberExpressionAst InvokeMemberExpressionAst BinaryExpressionAst UnaryExpressionAst HashtableAst ArrayLiteralAst ArrayExpressionAst ScriptBlockExpressionAst TypeExpressionAst ConvertExpressionAst IndexExpressionAst AssignmentStatementAst IfStatementAst ForEachStatementAst ForStatementAst WhileStatementAst SwitchStatementAst TryStatementAst CatchClauseAst TrapStatementAst ReturnStatementAst ThrowStatementAst NamedBlockAst StatementBlockAst TypeDefinitionAst MemberAst FunctionMemberAst PropertyMemberAst UsingStatementAst UsingExpressionAst ParenExpressionAst SubExpressionAst AstVisitor AstVisitor2 AstVisitAction ICustomAstVisitor ICustomAstVisitor2 Token TokenKind TokenFlags StringToken NumberToken VariableToken ParameterToken ParseError IScriptExtent IScriptPosition ScriptExtent ScriptPosition NullString CodeGeneration StaticParameterBinder StaticBindingResult TypeName ITypeName
        System.Management.Automation.Provider CmdletProvider DriveCmdletProvider ItemCmdletProvider ContainerCmdletProvider NavigationCmdletProvider
        System.Management.Automation.Runspaces Runspace RunspacePool RunspaceFactory RunspaceState RunspaceStateInfo RunspaceConnectionInfo WSManConnectionInfo SSHConnectionInfo NamedPipeConnectionInfo InitialSessionState Pipeline PipelineState Command CommandCollection CommandParameter CommandParameterCollection PSSession PSThreadOptions SessionStateFunctionEntry SessionStateVariableEntry SessionStateCmdletEntry SessionStateAliasEntry AuthenticationMechanism PSSnapInException TypeData FormatViewDefinition PipelineResultTypes InvalidRunspaceStateException
        System.Management.Automation.Remoting PSSessionOption PSRemotingTransportException PSRemotingDataStructureException
        System.Net WebClient WebRequest WebResponse HttpWebRequest HttpWebResponse HttpStatusCode HttpListener HttpListenerContext HttpListenerRequest HttpListenerResponse WebException WebHeaderCollection WebProxy IWebProxy NetworkCredential ICredentials CredentialCache Cookie CookieContainer CookieCollection Dns IPAddress IPEndPoint IPHostEntry ServicePointManager SecurityProtocolType WebUtility DecompressionMethods ProtocolViolationException
        System.Net.Http HttpClient HttpClientHandler HttpMessageHandler HttpMethod HttpRequestMessage HttpResponseMessage HttpContent StringContent ByteArrayContent StreamContent FormUrlEncodedContent MultipartFormDataContent HttpRequestException HttpCompletionOption
        System.Net.Http.Headers AuthenticationHeaderValue MediaTypeHeaderValue MediaTypeWithQualityHeaderValue HttpRequestHeaders HttpResponseHeaders
        System.Net.Mail MailMessage MailAddress SmtpClient Attachment SmtpException MailPriority
        System.Net.NetworkInformation Ping PingReply PingOptions IPStatus NetworkInterface NetworkInterfaceType PhysicalAddress IPGlobalProperties OperationalStatus PingException
        System.Net.Security SslStream RemoteCertificateValidationCallback SslPolicyErrors
        System.Net.Sockets Socket TcpClient TcpListener UdpClient NetworkStream AddressFamily SocketType ProtocolType SocketException SocketError SocketFlags SelectMode
        System.Net.WebSockets ClientWebSocket WebSocket WebSocketMessageType WebSocketState
        System.Numerics BigInteger Complex Vector2 Vector3
        System.Reflection Assembly AssemblyName MethodInfo PropertyInfo FieldInfo MemberInfo ConstructorInfo ParameterInfo BindingFlags MethodBase Module TypeInfo TargetInvocationException DefaultMemberAttribute
        System.Resources ResourceManager
        System.Runtime.InteropServices Marshal RuntimeInformation OSPlatform Architecture GCHandle COMException SafeHandle ExternalException DllImportAttribute
        System.Security SecureString SecurityException SecurityElement
        System.Reflection.PortableExecutable Machine
        System.Security.AccessControl FileSystemAccessRule FileSystemRights AccessControlType InheritanceFlags PropagationFlags FileSecurity DirectorySecurity RegistrySecurity ObjectSecurity AuthorizationRule
        System.Security.Authentication SslProtocols AuthenticationException
        System.Security.Claims Claim ClaimsIdentity ClaimsPrincipal
        System.Security.Cryptography Aes AesGcm RSA RSACryptoServiceProvider RSAParameters RSASignaturePadding RSAEncryptionPadding ECDsa HMAC HMACSHA1 HMACSHA256 HMACSHA384 HMACSHA512 HMACMD5 MD5 SHA1 SHA256 SHA384 SHA512 HashAlgorithm HashAlgorithmName SymmetricAlgorithm AsymmetricAlgorithm CryptoStream CryptoStreamMode CipherMode PaddingMode ICryptoTransform RandomNumberGenerator Rfc2898DeriveBytes CryptographicException ProtectedData DataProtectionScope Oid OidCollection
        System.Security.Cryptography.X509Certificates X509Certificate X509Certificate2 X509Certificate2Collection X509Store X509Chain X509KeyStorageFlags X509ContentType X509FindType StoreName StoreLocation OpenFlags X509Extension X500DistinguishedName CertificateRequest
        System.Security.Principal WindowsIdentity WindowsPrincipal WindowsBuiltInRole SecurityIdentifier NTAccount IPrincipal IIdentity GenericIdentity GenericPrincipal WellKnownSidType
        System.Text StringBuilder Encoding ASCIIEncoding UTF8Encoding UnicodeEncoding UTF32Encoding Encoder Decoder EncoderFallback DecoderFallback NormalizationForm Rune
        System.Text.Json JsonSerializer JsonSerializerOptions JsonDocument JsonElement JsonException JsonValueKind JsonNamingPolicy
        System.Text.Json.Nodes JsonNode JsonObject JsonArray JsonValue
        System.Text.RegularExpressions Regex Match MatchCollection Group GroupCollection Capture CaptureCollection RegexOptions MatchEvaluator RegexMatchTimeoutException
        System.Threading Thread ThreadPool ThreadStart ThreadState ThreadPriority Timer Timeout Mutex Monitor Semaphore SemaphoreSlim ManualResetEvent ManualResetEventSlim AutoResetEvent EventWaitHandle EventResetMode WaitHandle CancellationToken CancellationTokenSource Interlocked ReaderWriterLockSlim Barrier CountdownEvent ApartmentState AbandonedMutexException SynchronizationContext
        System.Threading.Tasks Task Task`1 TaskFactory TaskStatus TaskScheduler TaskCompletionSource`1 Parallel ParallelOptions TaskCanceledException ValueTask ValueTask`1
        System.Timers Timer ElapsedEventArgs
        System.Web HttpUtility
        System.Xml XmlDocument XmlNode XmlElement XmlAttribute XmlText XmlComment XmlNodeList XmlNamespaceManager XmlReader XmlReaderSettings XmlWriter XmlWriterSettings XmlTextReader XmlTextWriter XmlException XmlNodeType XmlDeclaration XmlCDataSection XmlConvert
        System.Xml.Linq XDocument XElement XAttribute XNamespace XName XNode XObject XText XComment XDeclaration
        System.Xml.Schema XmlSchema XmlSchemaSet ValidationEventArgs XmlSchemaException
        System.Xml.Serialization XmlSerializer
        System.Xml.XPath XPathDocument XPathNavigator XPathExpression
        System.Xml.Xsl XslCompiledTransform XsltArgumentList XsltSettings
        Microsoft.PowerShell ExecutionPolicy ExecutionPolicyScope
        Microsoft.PowerShell.Commands ModuleSpecification HttpResponseException WebRequestMethod WebRequestSession BasicHtmlWebResponseObject WebResponseObject MatchInfo GroupInfo MeasureInfo GenericMeasureInfo TextMeasureInfo WriteErrorException ServiceCommandException ProcessCommandException FileSystemCmdletProviderEncoding
        Microsoft.Win32 Registry RegistryKey RegistryHive RegistryView RegistryValueKind RegistryValueOptions
        Microsoft.Win32.SafeHandles SafeFileHandle
        Microsoft.Management.Infrastructure CimInstance CimClass CimSession CimType CimException
        """

    private static let exceptions = """
        systemexception argumentexception arithmeticexception formatexception indexoutofrangeexception invalidcastexception invalidoperationexception notimplementedexception notsupportedexception nullreferenceexception operationcanceledexception outofmemoryexception rankexception timeoutexception typeinitializationexception typeloadexception unauthorizedaccessexception memberaccessexception badimageformatexception arraytypemismatchexception stackoverflowexception io.ioexception io.invaliddataexception collections.generic.keynotfoundexception security.securityexception security.cryptography.cryptographicexception xml.xmlexception xml.schema.xmlschemaexception runtime.interopservices.externalexception security.authentication.authenticationexception management.automation.runtimeexception
        argumentexception argumentnullexception argumentoutofrangeexception management.automation.psargumentexception
        argumentnullexception management.automation.psargumentnullexception
        argumentoutofrangeexception management.automation.psargumentoutofrangeexception
        arithmeticexception dividebyzeroexception overflowexception
        formatexception uriformatexception
        invalidcastexception management.automation.psinvalidcastexception
        invalidoperationexception objectdisposedexception net.webexception net.protocolviolationexception net.networkinformation.pingexception management.automation.psinvalidoperationexception
        objectdisposedexception management.automation.psobjectdisposedexception
        notsupportedexception platformnotsupportedexception management.automation.psnotsupportedexception
        notimplementedexception management.automation.psnotimplementedexception
        operationcanceledexception threading.tasks.taskcanceledexception
        timeoutexception text.regularexpressions.regexmatchtimeoutexception
        io.ioexception io.filenotfoundexception io.directorynotfoundexception io.pathtoolongexception io.endofstreamexception io.fileloadexception io.drivenotfoundexception
        memberaccessexception missingmemberexception fieldaccessexception
        missingmemberexception missingmethodexception missingfieldexception
        typeloadexception entrypointnotfoundexception
        runtime.interopservices.externalexception componentmodel.win32exception runtime.interopservices.comexception data.common.dbexception
        componentmodel.win32exception net.sockets.socketexception
        net.http.httprequestexception microsoft.powershell.commands.httpresponseexception
        management.automation.runtimeexception management.automation.sessionstateexception management.automation.commandnotfoundexception management.automation.cmdletinvocationexception management.automation.parameterbindingexception management.automation.parseexception management.automation.extendedtypesystemexception management.automation.pssecurityexception management.automation.actionpreferencestopexception management.automation.pipelinestoppedexception management.automation.pipelineclosedexception management.automation.applicationfailedexception management.automation.metadataexception management.automation.providerinvocationexception management.automation.remoteexception management.automation.nativecommandexitexception management.automation.psinvalidcastexception
        management.automation.sessionstateexception management.automation.itemnotfoundexception management.automation.providernotfoundexception management.automation.drivenotfoundexception
        management.automation.parseexception management.automation.incompleteparseexception
        management.automation.extendedtypesystemexception management.automation.methodexception management.automation.getvalueexception management.automation.setvalueexception management.automation.propertynotfoundexception
        management.automation.methodexception management.automation.methodinvocationexception
        management.automation.metadataexception management.automation.validationmetadataexception management.automation.argumenttransformationmetadataexception
        """
}
