Connect-MgGraph -Scopes "User.Read.All", "Directory.Read.All" -NoWelcome
$uri = 'https://graph.microsoft.com/v1.0/auditLogs/signIns?$top=50'
$answer = Invoke-MgGraphRequest -Method GET -Uri $uri
$answer.value | ForEach-Object { $_.userPrincipalName }
Disconnect-MgGraph | Out-Null
