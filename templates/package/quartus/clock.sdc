# {{title}}
{{constraints}}
