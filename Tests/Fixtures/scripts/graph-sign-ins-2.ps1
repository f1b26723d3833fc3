$RequiredScopes = @("User.Read.All", "Group.Read.All")
if (!(Get-Module -ListAvailable -Name Microsoft.Graph)) {
    Set-PSRepository -Name PSGallery -InstallationPolicy Trusted
    Install-Module -Name Microsoft.Graph -Force -AllowClobber
}
Connect-Graph -Scopes $RequiredScopes
$uri = 'https://graph.microsoft.com/v1.0/auditLogs/signIns?$top=50'
$answer = Invoke-MgGraphRequest -Method GET -Uri $uri
$answer.value | ForEach-Object { $_.userPrincipalName }
Disconnect-MgGraph -ErrorAction SilentlyContinue
